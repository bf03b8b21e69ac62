-- What a rule speaks against and nobody alters. `kept`: published as it came; `left_out`: a repeat, one of which is
-- kept. Recorded once, with the commit that showed it first (a repeat: last).
with quantities as (

  select
    'shop' as source_system,
    'order_items' as source_table,
    cast(items.order_id as varchar) || '-' || cast(items.product_id as varchar) as record_key,
    orders.customer_id,
    case when items.quantity = 0 then 'quantity_not_zero' else 'quantity_plausible' end as rule,
    'quantity' as field,
    cast(items.quantity as varchar) as value,
    items._commit_seq
  from {{ ref('stg_shop__order_items') }} as items
  left join {{ ref('stg_shop__orders') }} as orders on items.order_id = orders.order_id
  where items.quantity = 0 or items.quantity > 1000

),

contacts as (

  select
    'hubspot' as source_system,
    'contacts' as source_table,
    id as record_key,
    {{ whole_number('id') }} as customer_id,
    'email_present' as rule,
    'email' as field,
    cast(null as varchar) as value,
    min(_sdc_commit_seq) as _commit_seq
  from {{ source('raw_hubspot', 'contacts') }}
  where {{ tidy_text('email') }} is null and not coalesce(archived, false)
  group by id

),

-- the same coupon under a second id; word for word the same object is left out where it is read
redemptions as (

  select
    'hubspot' as source_system,
    'coupon_redemptions' as source_table,
    id as record_key,
    max(contact_id) as customer_id,
    'redemption_delivered_once' as rule,
    'id' as field,
    id as value,
    max(_sdc_commit_seq) as _commit_seq
  from {{ source('raw_hubspot', 'coupon_redemptions') }}
  where id not in (select redemption_id from {{ ref('stg_hubspot__coupon_redemptions') }})
  group by id

),

-- delivered again is what stands at another place; the same line is there twice when its file was read again. Events
-- without a place are told apart by their rows alone. Which ids are there twice is asked first, of one column: the
-- places of all events would be compared for the sake of a few.
repeated_events as (

  select
    'web' as source_system,
    'events' as source_table,
    event_id as record_key,
    max(user_id) as customer_id,
    'event_delivered_once' as rule,
    'event_id' as field,
    event_id as value,
    max(_commit_seq) as _commit_seq
  from {{ ref('base_web__events') }}
  where
    rule is null
    and event_id in (
      select event_id
      from {{ source('raw_web', 'events') }}
      group by event_id
      having count(*) > 1
    )
  group by event_id
  having
    count(*) > 1
    and (
      min(source_file) <> max(source_file) or min(source_line) <> max(source_line)
      or count(source_file) < count(*) or count(source_line) < count(*)
    )

),

-- the few events that a rule below looks at, found in one scan
noticed as (

  select
    event_id,
    user_id,
    event_type,
    received_at,
    is_late,
    order_id,
    _commit_seq
  from {{ ref('stg_web__events') }}
  where is_late or event_type = 'purchase' or event_type not in ({{ values_of('web.events', 'event_type') }})

),

late_events as (

  select
    'web' as source_system,
    'events' as source_table,
    event_id as record_key,
    user_id as customer_id,
    'received_within_15_minutes' as rule,
    'received_at' as field,
    cast(received_at as varchar) as value,
    _commit_seq
  from noticed
  where is_late

),

unknown_events as (

  select
    'web' as source_system,
    'events' as source_table,
    event_id as record_key,
    user_id as customer_id,
    'event_type_known' as rule,
    'event_type' as field,
    event_type as value,
    _commit_seq
  from noticed
  where event_type not in ({{ values_of('web.events', 'event_type') }})

),

-- across systems: what was ordered, paid, given back and clicked must tell one story. An order is known even when
-- it is held back; its total only when all its lines are believed.
orders as (

  select order_id
  from {{ ref('stg_shop__orders') }}
  union
  select cast(record_key as bigint) as order_id
  from {{ ref('quarantine') }}
  where source_system = 'shop' and source_table = 'orders'

),

lines as (

  select
    'shop' as source_system,
    'order_items' as source_table,
    cast(items.order_id as varchar) || '-' || cast(items.product_id as varchar) as record_key,
    cast(null as bigint) as customer_id,
    'line_has_its_order' as rule,
    'order_id' as field,
    cast(items.order_id as varchar) as value,
    items._commit_seq
  from {{ ref('stg_shop__order_items') }} as items
  left join orders on items.order_id = orders.order_id
  where orders.order_id is null

),

totals as (

  select
    order_id,
    revenue
  from {{ ref('fct_orders') }}
  where
    item_count > 0
    and order_id not in ({{ orders_with_set_aside_lines() }})

),

payments as (

  {{ money_beside_its_order('payments', 'payment_id', 'payment_has_its_order', 'payment_is_the_orders_total', '<>') }}

),

refunds as (

  {{ money_beside_its_order('refunds', 'refund_id', 'refund_has_its_order', 'refund_within_its_order', '>') }}

),

purchases as (

  select
    'web' as source_system,
    'events' as source_table,
    events.event_id as record_key,
    events.user_id as customer_id,
    'purchase_has_its_order' as rule,
    'order_id' as field,
    cast(events.order_id as varchar) as value,
    events._commit_seq
  from noticed as events
  left join orders on events.order_id = orders.order_id
  where events.event_type = 'purchase' and orders.order_id is null

),

found as (

  select * from quantities
  union all
  select * from contacts
  union all
  select * from redemptions
  union all
  select * from repeated_events
  union all
  select * from late_events
  union all
  select * from unknown_events
  union all
  select * from lines
  union all
  select * from payments
  union all
  select * from refunds
  union all
  select * from purchases

)

select
  found.source_system,
  found.source_table,
  found.record_key,
  found.customer_id,
  found.rule,
  rules.dimension,
  rules.severity,
  rules.meaning as reason,
  found.field,
  found.value,
  commits.run_id,
  found._commit_seq,
  rules.consequence as status
from found
inner join {{ ref('quality_rules') }} as rules
  on
    found.source_system = rules.source_system and found.source_table = rules.source_table
    and found.rule = rules.rule
left join {{ ref('int_raw_commits') }} as commits
  on
    found.source_system = commits.source_system and found.source_table = commits.source_table
    and found._commit_seq = commits.commit_seq
