{{ config(materialized='incremental', incremental_strategy='merge', unique_key='payment_id') }}

with latest as (

  {{ latest_version(source('raw_shop', 'payments'), 'payment_id', after=watermark()) }}

)

select
  payment_id,
  order_id,
  method as payment_method,
  amount,
  currency,
  status as payment_status,
  paid_at,
  created_at,
  updated_at,
  _sdc_commit_seq as _commit_seq
from latest
