{{ config(materialized='ephemeral', contract={'enforced': false}) }}

-- The one place that says which order lines are believed; see base_shop__orders.
with written as (

  select
    order_id,
    product_id,
    quantity as written_quantity,
    sales_value as written_sales_value,
    retail_disc,
    coupon_disc,
    coupon_match_disc,
    created_at,
    updated_at,
    _sdc_commit_seq,
    _sdc_sequence,
    _sdc_run_id,
    case when sales_value < 0 or quantity < 0 then 'line_not_negative' end as written_rule
  from {{ source('raw_shop', 'order_items') }}

),

read_so as (

  select
    written.*,
    {{ fixed('quantity', 'written.written_quantity', 'integer') }} as quantity,
    {{ fixed('sales_value', 'written.written_sales_value', 'decimal(12, 2)') }} as sales_value,
    d.dismissed_rules,
    f.rule is not null as is_fixed,
    d.record_key is not null as is_decided
  from written
  left join {{ decisions_on('shop', 'order_items') }} as d
    on written.order_id = {{ key_part('d', 1) }} and written.product_id = {{ key_part('d', 2) }}
  left join {{ fixes_on('shop', 'order_items') }} as f
    on
      written.order_id = {{ key_part('f', 1) }} and written.product_id = {{ key_part('f', 2) }}
      and written.written_rule = f.rule

)

select
  *,
  case when sales_value < 0 or quantity < 0 then 'line_not_negative' end as rule
from read_so
