-- What the auditor asks for each day. The source's total is what the shop says its orders came to, those in quarantine
-- included (on the day they were last written, their own date being unsure) and those that could not be read; the lake's
-- is what the lines of the orders we believe come to. On a clean day both are the same.
with days as (

  select date_day
  from {{ business_days() }} as business_days

),

orders as (

  select
    facts.order_date as day,
    count(*) as orders,
    sum(facts.revenue) as revenue,
    count(case when facts.revenue > {{ setting('REPORTING_THRESHOLD_USD', 150) | int }} then 1 end)
      as orders_above_threshold,
    sum(reported.reported_total_amount) as reported_total,
    sum(case when {{ business_date('reported.created_at') }} > facts.order_date then 1 else 0 end) as late_rows
  from {{ ref('fct_orders') }} as facts
  inner join {{ ref('stg_shop__orders') }} as reported on facts.order_id = reported.order_id
  group by facts.order_date

),

late_lines as (

  select
    facts.order_date as day,
    count(*) as late_rows
  from {{ ref('stg_shop__order_items') }} as written
  inner join {{ ref('fct_orders') }} as facts on written.order_id = facts.order_id
  where {{ business_date('written.created_at') }} > facts.order_date
  group by facts.order_date

),

refunds as (

  select
    {{ business_date('refunded_at') }} as day,
    count(*) as refunds,
    sum(amount) as refunded_amount
  from {{ ref('stg_shop__refunds') }}
  group by {{ business_date('refunded_at') }}

),

-- a record whose versions broke several rules stands in quarantine under each; it counts once, as it was last written
set_aside as (

  select
    source_system,
    source_table,
    record_key,
    amount,
    recorded_on,
    status,
    row_number() over (
      partition by source_system, source_table, record_key order by _commit_seq desc, recorded_on desc, rule
    ) as version_age
  from {{ ref('quarantine') }}
  where status in ('open', 'dismissed')

),

quarantined as (

  select
    recorded_on as day,
    count(*) as quarantined_rows,
    sum(amount) as quarantined_value
  from set_aside
  where version_age = 1 and status = 'open'
  group by recorded_on

),

-- what could not be read has no day but that of its file; without one it stands on the last
rejects as (

  select
    coalesce(rejected_on, (select max(date_day) from days)) as day,
    order_id,
    amount,
    row_number() over (partition by order_id order by commit_seq desc) as version_age
  from {{ ref('int_rejects') }}

),

rejected as (

  select
    day,
    count(*) as rejected_rows
  from rejects
  group by day

),

-- an order of which an earlier version is believed is in the lake already; one that could not be read once, and is in
-- quarantine since, counts there
missing as (

  select
    recorded_on as day,
    amount,
    cast(record_key as bigint) as order_id
  from set_aside
  where version_age = 1 and source_system = 'shop' and source_table = 'orders'
  union all
  select
    day,
    amount,
    order_id
  from rejects
  where
    version_age = 1
    and order_id not in (
      select cast(record_key as bigint) from set_aside where source_system = 'shop' and source_table = 'orders'
    )

),

missing_orders as (

  select
    day,
    sum(amount) as missing_value
  from missing
  where order_id not in (select order_id from {{ ref('fct_orders') }})
  group by day

)

select
  days.date_day as compliance_date,
  coalesce(orders.orders, 0) as orders,
  coalesce(orders.revenue, 0) as revenue,
  coalesce(refunds.refunds, 0) as refunds,
  coalesce(refunds.refunded_amount, 0) as refunded_amount,
  coalesce(rejected.rejected_rows, 0) as rejected_rows,
  coalesce(quarantined.quarantined_rows, 0) as quarantined_rows,
  coalesce(quarantined.quarantined_value, 0) as quarantined_value,
  coalesce(orders.late_rows, 0) + coalesce(late_lines.late_rows, 0) as late_rows,
  coalesce(orders.orders_above_threshold, 0) as orders_above_threshold,
  coalesce(orders.reported_total, 0) + coalesce(missing_orders.missing_value, 0) as source_total,
  coalesce(orders.revenue, 0) as lake_total,
  coalesce(orders.reported_total, 0) + coalesce(missing_orders.missing_value, 0) - coalesce(orders.revenue, 0)
    as difference
from days
left join orders on days.date_day = orders.day
left join late_lines on days.date_day = late_lines.day
left join refunds on days.date_day = refunds.day
left join quarantined on days.date_day = quarantined.day
left join missing_orders on days.date_day = missing_orders.day
left join rejected on days.date_day = rejected.day
