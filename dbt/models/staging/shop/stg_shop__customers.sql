with latest as (

  {{ latest_version(ref('base_shop__customers'), 'customer_id') }}

)

select
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
  created_at,
  updated_at,
  deleted_at,
  _sdc_commit_seq as _commit_seq
from latest
