select
  campaign_id,
  campaign_name,
  campaign_type,
  start_date,
  end_date,
  {{ days_between('start_date', 'end_date') }} + 1 as duration_days,
  is_archived
from {{ ref('stg_hubspot__campaigns') }}
