{{ config(materialized='incremental', incremental_strategy='merge', unique_key=['order_id', 'product_id']) }}

with latest as (

  {{ latest_version(
    ref('base_shop__order_items'), ['order_id', 'product_id'], after=watermark(), accepted='r.rule is null',
    always='r.is_decided'
  ) }}

)

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
  _sdc_commit_seq as _commit_seq
from latest
