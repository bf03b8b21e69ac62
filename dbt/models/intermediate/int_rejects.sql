{{ config(materialized='ephemeral', contract={'enforced': false}) }}

-- The records ingestion could not read, with the company's day of the file they stood in (files without a day in their
-- path have none) and, of an order, what it says it came to. The table is made by the first reject; until then there
-- are none. A folder or a table that is read again brings its rejects again: what stood at the same place with the same
-- text counts in the load that brought it first. A record without a place is held to be another one each time.
{%- set rejects = source('quality', 'rejects') %}
{%- if relation_exists(rejects) %}
select
  source_system,
  source_table,
  "position" as record_position,
  customer_id,
  rule,
  -- what the border calls validity (it cannot be read as what it should be) is accuracy among the five dimensions
  case when dimension = 'validity' then 'accuracy' else dimension end as dimension,
  run_id,
  try_cast({{ first_match('"position"', '[0-9]{4}-[0-9]{2}-[0-9]{2}') }} as date) as rejected_on,
  case
    when source_system = 'shop' and source_table = 'orders'
      then {{ dbt.safe_cast(first_match('"position"', 'order_id[^0-9]+([0-9]+)', 1), 'bigint') }}
  end as order_id,
  case
    when source_system = 'shop' and source_table = 'orders'
      then {{ dbt.safe_cast(
        first_match('raw_record', '"total_amount": *"?(-?[0-9]+([.][0-9]+)?)', 1), 'decimal(12, 2)'
      ) }}
  end as amount,
  commit_seq
from (
  select
    *,
    rank() over (
      partition by source_system, source_table, "position", raw_record
      order by commit_seq
    ) as reading
  from {{ rejects }}
) as read_so
where reading = 1 or coalesce("position", '') = ''
{%- else %}
select
  cast(null as varchar) as source_system,
  cast(null as varchar) as source_table,
  cast(null as varchar) as record_position,
  cast(null as bigint) as customer_id,
  cast(null as varchar) as rule,
  cast(null as varchar) as dimension,
  cast(null as varchar) as run_id,
  cast(null as date) as rejected_on,
  cast(null as bigint) as order_id,
  cast(null as decimal(12, 2)) as amount,
  cast(null as bigint) as commit_seq
where false
{%- endif %}
