with latest as (

  {{ latest_version(source('raw_hubspot', 'campaigns'), 'id') }}

)

select
  {{ whole_number('id') }} as campaign_id,
  name as campaign_name,
  campaign_type,
  start_date,
  end_date,
  created_at,
  updated_at,
  coalesce(archived, false) as is_archived
from latest
