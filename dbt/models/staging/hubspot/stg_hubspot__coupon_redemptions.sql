-- A contact redeems a coupon once a day: a redemption that arrives twice, under its own id or a new one, is one
-- redemption.
with latest as (

  {{ latest_version(source('raw_hubspot', 'coupon_redemptions'), 'id') }}

),

deliveries as (

  select
    latest.*,
    row_number() over (
      partition by campaign_id, contact_id, coupon_upc, redemption_date
      order by coalesce(archived, false), created_at, id
    ) as delivery
  from latest

)

select
  id as redemption_id,
  campaign_id,
  contact_id,
  {{ whole_number('coupon_upc') }} as coupon_upc,
  redemption_date,
  created_at,
  updated_at,
  coalesce(archived, false) as is_archived
from deliveries
where delivery = 1
