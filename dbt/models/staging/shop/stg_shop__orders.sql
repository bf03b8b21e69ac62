{{ config(materialized='incremental', incremental_strategy='merge', unique_key='order_id') }}

with latest as (

  {{ latest_version(
    ref('base_shop__orders'), 'order_id', after=watermark(), accepted='r.rule is null', always='r.is_decided'
  ) }}

)

select
  order_id,
  customer_id,
  store_id,
  placed_at,
  status,
  payment_method,
  currency,
  total_amount as reported_total_amount,
  created_at,
  updated_at,
  _sdc_commit_seq as _commit_seq
from latest
