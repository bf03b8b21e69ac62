with sales as (

  select
    {{ month_of('order_date') }} as month,
    product_id,
    sum(sales_value) as revenue,
    sum(quantity) as units
  from {{ ref('fct_order_items') }}
  group by {{ month_of('order_date') }}, product_id

)

select
  sales.month,
  sales.product_id,
  products.department,
  products.product_category,
  sales.revenue,
  sales.units,
  rank() over (partition by sales.month order by sales.revenue desc) as revenue_rank,
  rank() over (partition by sales.month order by sales.units desc) as units_rank
from sales
inner join {{ ref('dim_products') }} as products on sales.product_id = products.product_id
