{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='as_of', full_refresh=false) }}

-- The catalog shows only today's stock. A day is therefore written when the stock we hold is not younger than the day,
-- or by the first run after its end: a shop that sells at night has written stock by then. What was written so stays,
-- also when an older day is filled in again.
with latest as (

  select max({{ business_date('updated_at') }}) as stock_day
  from {{ ref('stg_catalog__inventory') }}

),

days as (

  select days.as_of
  from {{ as_of_days() }} as days
  cross join latest
  where
    days.as_of >= latest.stock_day
    or (
      days.as_of = {{ add_days('latest.stock_day', -1) }}
      {%- if is_incremental() %} and days.as_of not in (select as_of from {{ this }}){% endif %}
    )

),

stock as (

  select
    product_id,
    cast(units_on_hand as bigint) as units_on_hand,
    reorder_point
  from {{ ref('stg_catalog__inventory') }}

),

sold as (

  select
    days.as_of,
    items.product_id,
    sum(items.quantity) as units_sold_28_days
  from days
  inner join {{ ref('fct_order_items') }} as items
    on items.order_date <= days.as_of and items.order_date > {{ add_days('days.as_of', -28) }}
  group by days.as_of, items.product_id

)

select
  days.as_of,
  stock.product_id,
  stock.units_on_hand,
  stock.reorder_point,
  coalesce(sold.units_sold_28_days, 0) as units_sold_28_days,
  {{ ratio('28 * stock.units_on_hand', 'sold.units_sold_28_days', scale=1, digits=0) }} as days_of_cover,
  coalesce(sold.units_sold_28_days, 0) > 0
  and (stock.units_on_hand <= stock.reorder_point or 28 * stock.units_on_hand < 7 * sold.units_sold_28_days) as at_risk
from days
cross join stock
left join sold on days.as_of = sold.as_of and stock.product_id = sold.product_id
