-- Products bought together, in at least 50 baskets. A pair's products are in 50 baskets each, so rarer products are
-- left out before pairs are made.
with lines as (

  select
    order_id,
    product_id
  from {{ ref('fct_order_items') }}

),

frequent as (

  select
    product_id,
    count(*) as baskets
  from lines
  group by product_id
  having count(*) >= 50

),

kept as (

  select lines.*
  from lines
  inner join frequent on lines.product_id = frequent.product_id

),

pairs as (

  select
    first_line.product_id as first_product_id,
    second_line.product_id as second_product_id,
    count(*) as baskets_together
  from kept as first_line
  inner join kept as second_line
    on first_line.order_id = second_line.order_id and first_line.product_id < second_line.product_id
  group by first_line.product_id, second_line.product_id
  having count(*) >= 50

),

ordered as (

  select
    first_product_id as antecedent_product_id,
    second_product_id as consequent_product_id,
    baskets_together
  from pairs
  union all
  select
    second_product_id as antecedent_product_id,
    first_product_id as consequent_product_id,
    baskets_together
  from pairs

),

total as (

  select count(distinct order_id) as baskets
  from lines

)

select
  ordered.antecedent_product_id,
  ordered.consequent_product_id,
  ordered.baskets_together,
  {{ ratio('ordered.baskets_together', 'total.baskets', scale=6, digits=0) }} as support,
  {{ ratio('ordered.baskets_together', 'antecedents.baskets', scale=6, digits=0) }} as confidence,
  {{ ratio(
    'ordered.baskets_together * total.baskets', 'antecedents.baskets * consequents.baskets', scale=6, digits=0
  ) }} as lift
from ordered
cross join total
inner join frequent as antecedents on ordered.antecedent_product_id = antecedents.product_id
inner join frequent as consequents on ordered.consequent_product_id = consequents.product_id
