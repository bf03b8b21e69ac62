with latest as (

  {{ latest_version(ref('base_shop__customer_changes'), 'change_id') }}

)

select
  change_id,
  customer_id,
  first_name,
  last_name,
  email,
  phone,
  street,
  city,
  region,
  postcode,
  country,
  marketing_consent,
  deleted_at,
  valid_from,
  change_type,
  created_at,
  updated_at,
  _sdc_commit_seq as _commit_seq
from latest
