-- One row per record, field and value as it was written: the first time it was seen so. `nulled`: it could not be read;
-- `imputed`: it was missing and is a guess; `inferred`: the record itself was missing.
with people as (

  {{ person_corrections(ref('base_shop__customers'), 'customers', 'customer_id') }}
  union all
  {{ person_corrections(ref('base_shop__customer_changes'), 'customer_changes', 'change_id') }}

),

fixes as (

  {%- if has_fixes() %}
  {{ fix_corrections(
    ref('base_shop__orders'), 'shop', 'orders', ['order_id'], ['customer_id', 'currency', 'placed_at']
  ) }}
  union all
  {{ fix_corrections(
    ref('base_shop__order_items'), 'shop', 'order_items', ['order_id', 'product_id'], ['quantity', 'sales_value']
  ) }}
  union all
  {{ fix_corrections(ref('base_catalog__prices'), 'catalog', 'prices', ['price_id'], ['price']) }}
  union all
  {{ fix_corrections(
    ref('base_web__events'), 'web', 'events', ['event_id'], ['user_id', 'occurred_at'], '_commit_seq'
  ) }}
  {%- else %}
  select *
  from people
  where false
  {%- endif %}

),

-- a total is held against its lines only when all of them are believed; every version of the order is, so that the
-- record outlives the day the shop mends it
unlike_their_lines as (

  select
    facts.order_id,
    facts.customer_id,
    facts.revenue,
    versions.total_amount,
    versions._sdc_commit_seq as _commit_seq,
    versions._sdc_commit_seq = facts._orders_seq as is_latest
  from {{ ref('fct_orders') }} as facts
  inner join {{ ref('base_shop__orders') }} as versions on facts.order_id = versions.order_id
  where
    versions.rule is null
    and facts.revenue <> versions.total_amount
    and facts.item_count > 0
    and facts.order_id not in ({{ orders_with_set_aside_lines() }})

),

-- what the lines came to at the time of an older version is not known once the shop has changed one of them
orders_with_changed_lines as (

  select order_id
  from {{ ref('base_shop__order_items') }}
  where rule is null and order_id in (select order_id from unlike_their_lines)
  group by order_id, product_id
  having min(sales_value) <> max(sales_value)

),

totals as (

  select
    'shop' as source_system,
    'orders' as source_table,
    cast(order_id as varchar) as record_key,
    customer_id,
    'total_amount_is_sum_of_lines' as rule,
    'total_amount' as field,
    cast(total_amount as varchar) as before_value,
    cast(revenue as varchar) as after_value,
    'corrected' as status,
    _commit_seq
  from unlike_their_lines
  where is_latest or order_id not in (select order_id from orders_with_changed_lines)

),

departments as (

  select
    'catalog' as source_system,
    'products' as source_table,
    cast(versions.product_id as varchar) as record_key,
    cast(null as bigint) as customer_id,
    'department_present' as rule,
    'department' as field,
    cast(null as varchar) as before_value,
    products.department as after_value,
    'imputed' as status,
    versions._sdc_commit_seq as _commit_seq
  from {{ source('raw_catalog', 'products') }} as versions
  inner join {{ ref('stg_catalog__products') }} as products on versions.product_id = products.product_id
  where nullif(versions.department, '') is null

),

contacts as (

  select
    'hubspot' as source_system,
    'contacts' as source_table,
    id as record_key,
    {{ whole_number('id') }} as customer_id,
    'email_well_formed' as rule,
    'email' as field,
    email as before_value,
    lower({{ tidy_text('email') }}) as after_value,
    'corrected' as status,
    _sdc_commit_seq as _commit_seq
  from {{ source('raw_hubspot', 'contacts') }}
  where email <> lower({{ tidy_text('email') }})

),

-- the no-break space is what old exports in Latin-1 have where a space should be
blanks as (

  select
    'crm' as source_system,
    'demographics' as source_table,
    household_id as record_key,
    {{ whole_number('household_id') }} as customer_id,
    'blanks_are_plain' as rule,
    'household_comp' as field,
    household_comp as before_value,
    {{ tidy_text('household_comp') }} as after_value,
    'corrected' as status,
    _sdc_commit_seq as _commit_seq
  from {{ source('raw_crm', 'demographics') }}
  where household_comp <> {{ tidy_text('household_comp') }}

),

unknown_products as (

  select
    'shop' as source_system,
    'order_items' as source_table,
    cast(products.product_id as varchar) as record_key,
    cast(null as bigint) as customer_id,
    'product_in_catalog' as rule,
    'product_id' as field,
    cast(null as varchar) as before_value,
    cast(products.product_id as varchar) as after_value,
    'inferred' as status,
    min(items._commit_seq) as _commit_seq
  from {{ ref('dim_products') }} as products
  inner join {{ ref('stg_shop__order_items') }} as items on products.product_id = items.product_id
  where products.is_inferred
  group by products.product_id

),

households as (

  select
    'crm' as source_system,
    'demographics' as source_table,
    cast(customer_id as varchar) as record_key,
    customer_id,
    'income_present' as rule,
    'income' as field,
    cast(null as varchar) as before_value,
    income_group as after_value,
    'imputed' as status,
    _commit_seq
  from {{ ref('stg_crm__demographics') }}
  where is_income_imputed
  union all
  select
    'crm' as source_system,
    'demographics' as source_table,
    cast(customer_id as varchar) as record_key,
    customer_id,
    'household_size_present' as rule,
    'household_size' as field,
    cast(null as varchar) as before_value,
    household_size as after_value,
    'imputed' as status,
    _commit_seq
  from {{ ref('stg_crm__demographics') }}
  where is_household_size_imputed

),

found as (

  select * from people
  union all
  select * from fixes
  union all
  select * from totals
  union all
  select * from departments
  union all
  select * from contacts
  union all
  select * from blanks
  union all
  select * from unknown_products
  union all
  select * from households

),

first_seen as (

  select
    *,
    row_number() over (
      partition by source_system, source_table, record_key, rule, field, before_value
      order by _commit_seq
    ) as sighting
  from found

)

select
  first_seen.source_system,
  first_seen.source_table,
  first_seen.record_key,
  first_seen.customer_id,
  first_seen.rule,
  rules.dimension,
  rules.severity,
  rules.meaning as reason,
  first_seen.field,
  first_seen.before_value,
  first_seen.after_value,
  {{ json_record({
    'key': 'first_seen.record_key', 'field': 'first_seen.field', 'value': 'first_seen.before_value'
  }) }} as raw_record,
  commits.run_id,
  first_seen._commit_seq,
  first_seen.status
from first_seen
inner join {{ ref('quality_rules') }} as rules
  on
    first_seen.source_system = rules.source_system and first_seen.source_table = rules.source_table
    and first_seen.rule = rules.rule
left join {{ ref('int_raw_commits') }} as commits
  on
    first_seen.source_system = commits.source_system and first_seen.source_table = commits.source_table
    and first_seen._commit_seq = commits.commit_seq
where first_seen.sighting = 1
