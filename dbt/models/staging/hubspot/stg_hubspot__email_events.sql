with latest as (

  {{ latest_version(source('raw_hubspot', 'email_events'), 'id') }}

)

select
  id as email_event_id,
  campaign_id,
  contact_id,
  lower(event_type) as event_type,
  occurred_at,
  {{ business_date('occurred_at') }} as event_date,
  created_at,
  updated_at,
  coalesce(archived, false) as is_archived
from latest
