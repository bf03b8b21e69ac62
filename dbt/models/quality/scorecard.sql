-- How good each run's records were, table by table: broken rules by dimension, what was held back, and the share that
-- broke none (a record that breaks two rules counts twice, so the share is a lower bound).
with of_run as (

  select
    run_id,
    source_system,
    source_table,
    max(rows_checked) as rows_checked,
    {%- for dimension in ['completeness', 'accuracy', 'consistency', 'timeliness', 'uniqueness'] %}
    sum(case when dimension = '{{ dimension }}' then failed else 0 end) as {{ dimension }},
    {%- endfor %}
    sum(failed) as failed,
    sum(quarantined + rejected) as held
  from {{ ref('results') }}
  group by run_id, source_system, source_table

),

owners as (

  select
    source_system,
    source_table,
    max(owner) as owner
  from {{ ref('quality_rules') }}
  group by source_system, source_table

),

commits as (

  select
    run_id,
    source_system,
    source_table,
    max(commit_seq) as commit_seq
  from {{ ref('int_raw_commits') }}
  group by run_id, source_system, source_table

)

select
  of_run.run_id,
  of_run.source_system,
  of_run.source_table,
  coalesce(commits.commit_seq, 0) as commit_seq,
  coalesce(owners.owner, 'data-platform') as owner,
  of_run.rows_checked,
  of_run.completeness,
  of_run.accuracy,
  of_run.consistency,
  of_run.timeliness,
  of_run.uniqueness,
  of_run.failed,
  of_run.held,
  {{ ratio('greatest(of_run.rows_checked - of_run.failed, 0)', 'of_run.rows_checked', scale=4, digits=0) }} as score
from of_run
left join owners
  on of_run.source_system = owners.source_system and of_run.source_table = owners.source_table
left join commits
  on
    of_run.run_id = commits.run_id and of_run.source_system = commits.source_system
    and of_run.source_table = commits.source_table
