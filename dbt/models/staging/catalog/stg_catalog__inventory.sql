with latest as (

  {{ latest_version(source('raw_catalog', 'inventory'), 'product_id') }}

)

select
  product_id,
  units_on_hand,
  reorder_point,
  created_at,
  updated_at,
  _sdc_commit_seq as _commit_seq
from latest
