with latest as (

  {{ latest_version(source('raw_hubspot', 'contacts'), 'id') }}

)

select
  {{ whole_number('id') }} as contact_id,
  lower({{ tidy_text('email') }}) as email,
  {{ tidy_text('firstname') }} as first_name,
  {{ tidy_text('lastname') }} as last_name,
  {{ tidy_text('phone') }} as phone,
  marketing_consent,
  lower(lifecyclestage) as lifecycle_stage,
  created_at,
  updated_at,
  coalesce(archived, false) as is_archived
from latest
