with members as (

  select
    campaign_id,
    count(distinct contact_id) as members
  from {{ ref('stg_hubspot__campaign_members') }}
  where not is_archived and {{ business_date('joined_at') }} <= {{ as_of() }}
  group by campaign_id

),

emails as (

  select
    campaign_id,
    count(distinct case when event_type = 'sent' then contact_id end) as reached,
    count(distinct case when event_type = 'opened' then contact_id end) as opened,
    count(distinct case when event_type = 'clicked' then contact_id end) as clicked
  from {{ ref('stg_hubspot__email_events') }}
  where not is_archived and event_date <= {{ as_of() }}
  group by campaign_id

),

redemptions as (

  select
    campaign_id,
    contact_id,
    redemption_date,
    count(*) as redemptions
  from {{ ref('stg_hubspot__coupon_redemptions') }}
  where not is_archived and redemption_date <= {{ as_of() }}
  group by campaign_id, contact_id, redemption_date

),

revenue_by_day as (

  select
    customer_id,
    order_date,
    sum(revenue) as revenue
  from {{ ref('fct_orders') }}
  group by customer_id, order_date

),

-- two coupons of one campaign on one day still bring that day's orders once
redeemed as (

  select
    redemptions.campaign_id,
    sum(redemptions.redemptions) as redemptions,
    count(distinct redemptions.contact_id) as redeeming_customers,
    sum(revenue_by_day.revenue) as revenue
  from redemptions
  left join revenue_by_day
    on redemptions.contact_id = revenue_by_day.customer_id and redemptions.redemption_date = revenue_by_day.order_date
  group by redemptions.campaign_id

)

select
  campaigns.campaign_id,
  campaigns.campaign_name,
  campaigns.campaign_type,
  campaigns.start_date,
  campaigns.end_date,
  coalesce(members.members, 0) as members,
  coalesce(emails.reached, 0) as reached,
  coalesce(emails.opened, 0) as opened,
  coalesce(emails.clicked, 0) as clicked,
  coalesce(redeemed.redemptions, 0) as redemptions,
  coalesce(redeemed.redeeming_customers, 0) as redeeming_customers,
  coalesce(redeemed.revenue, 0) as revenue,
  {{ ratio('coalesce(redeemed.redeeming_customers, 0)', 'members.members', 6, digits=0) }} as redemption_rate
from {{ ref('dim_campaigns') }} as campaigns
left join members on campaigns.campaign_id = members.campaign_id
left join emails on campaigns.campaign_id = emails.campaign_id
left join redeemed on campaigns.campaign_id = redeemed.campaign_id
