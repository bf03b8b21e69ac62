-- What each commit brought: the denominator of every quality rule, and which run a commit number belongs to. The
-- streams are those with a contract.
{%- for stream in contracts().values() %}

select
  '{{ stream.system }}' as source_system,
  '{{ stream.table }}' as source_table,
  _sdc_run_id as run_id,
  _sdc_commit_seq as commit_seq,
  count(*) as row_count
from {{ source(stream.schema, stream.table) }}
group by _sdc_run_id, _sdc_commit_seq
{{ 'union all' if not loop.last }}
{%- endfor %}
