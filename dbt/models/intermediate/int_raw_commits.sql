-- What each commit brought: the denominator of every quality rule, and which run a commit number belongs to.
{%- set tables = {
  'shop': ['orders', 'order_items', 'payments', 'refunds', 'customers', 'customer_changes'],
  'catalog': ['products', 'prices', 'inventory', 'stores'],
  'crm': ['demographics'],
  'web': ['events'],
  'hubspot': ['contacts', 'campaigns', 'campaign_members', 'coupon_redemptions', 'email_events'],
} %}
{%- for system in tables %}
{%- set last_system = loop.last %}
{%- for table in tables[system] %}

select
  '{{ system }}' as source_system,
  '{{ table }}' as source_table,
  _sdc_run_id as run_id,
  _sdc_commit_seq as commit_seq,
  count(*) as row_count
from {{ source('raw_' ~ system, table) }}
group by _sdc_run_id, _sdc_commit_seq
{{ 'union all' if not (loop.last and last_system) }}
{%- endfor %}
{%- endfor %}
