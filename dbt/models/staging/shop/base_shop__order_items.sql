{{ config(materialized='ephemeral', contract={'enforced': false}) }}

-- The one place that says which order lines are believed; see base_shop__orders.
with read_so as (

  select
    items.order_id,
    items.product_id,
    items.quantity as written_quantity,
    items.sales_value as written_sales_value,
    {{ fixed('quantity', 'items.quantity', 'integer') }} as quantity,
    {{ fixed('sales_value', 'items.sales_value', 'decimal(12, 2)') }} as sales_value,
    items.retail_disc,
    items.coupon_disc,
    items.coupon_match_disc,
    items.created_at,
    items.updated_at,
    items._sdc_commit_seq,
    items._sdc_sequence,
    items._sdc_run_id,
    d.dismissed_rules,
    coalesce(d.is_fixed, false) as is_fixed,
    d.record_key is not null as is_decided
  from {{ source('raw_shop', 'order_items') }} as items
  left join {{ decisions_on('shop', 'order_items') }} as d
    on items.order_id = {{ key_part(1) }} and items.product_id = {{ key_part(2) }}

)

select
  *,
  case when written_sales_value < 0 or written_quantity < 0 then 'line_not_negative' end as written_rule,
  case when sales_value < 0 or quantity < 0 then 'line_not_negative' end as rule
from read_so
