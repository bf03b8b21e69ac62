with latest as (

  {{ latest_version(source('raw_catalog', 'stores'), 'store_id') }}

)

select
  store_id,
  name as store_name,
  region,
  created_at,
  updated_at,
  _sdc_commit_seq as _commit_seq
from latest
