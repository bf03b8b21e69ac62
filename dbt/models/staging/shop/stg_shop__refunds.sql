with latest as (

  {{ latest_version(source('raw_shop', 'refunds'), 'refund_id') }}

)

select
  refund_id,
  order_id,
  product_id,
  amount,
  reason,
  refunded_at,
  created_at,
  updated_at,
  _sdc_commit_seq as _commit_seq
from latest
