with latest as (

  {{ latest_version(source('raw_hubspot', 'campaign_members'), 'id') }}

)

select
  id as member_id,
  campaign_id,
  contact_id,
  joined_at,
  created_at,
  updated_at,
  coalesce(archived, false) as is_archived
from latest
