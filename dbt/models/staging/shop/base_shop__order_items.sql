{{ config(materialized='ephemeral', contract={'enforced': false}) }}

-- The one place that says which order lines are believed; see base_shop__orders.
select
  order_id,
  product_id,
  quantity,
  sales_value,
  retail_disc,
  coupon_disc,
  coupon_match_disc,
  created_at,
  updated_at,
  _sdc_commit_seq,
  _sdc_sequence,
  _sdc_run_id,
  case
    when sales_value < 0 or quantity < 0 then 'line_not_negative'
  end as rule
from {{ source('raw_shop', 'order_items') }}
