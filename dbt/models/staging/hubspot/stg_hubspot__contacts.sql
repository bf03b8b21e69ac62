with latest as (

  {{ latest_version(source('raw_hubspot', 'contacts'), 'id') }}

)

select
  {{ dbt.safe_cast('id', 'bigint') }} as contact_id,
  nullif(lower(trim(email)), '') as email,
  nullif(trim(firstname), '') as first_name,
  nullif(trim(lastname), '') as last_name,
  nullif(trim(phone), '') as phone,
  marketing_consent,
  lower(lifecyclestage) as lifecycle_stage,
  created_at,
  updated_at,
  coalesce(archived, false) as is_archived
from latest
