with checked as (

  select
    commits.run_id,
    rules.source_system,
    rules.source_table,
    rules.rule,
    rules.dimension,
    rules.severity,
    commits.commit_seq,
    commits.row_count
  from {{ ref('int_raw_commits') }} as commits
  inner join {{ ref('quality_rules') }} as rules
    on commits.source_system = rules.source_system and commits.source_table = rules.source_table

),

-- what a person fixed counts where it was held back
corrected as (

  select
    source_system,
    source_table,
    rule,
    _commit_seq,
    count(*) as records
  from {{ ref('corrections') }}
  where status <> 'fixed'
  group by source_system, source_table, rule, _commit_seq

),

quarantined as (

  select
    source_system,
    source_table,
    rule,
    _commit_seq,
    count(*) as records
  from {{ ref('quarantine') }}
  group by source_system, source_table, rule, _commit_seq

),

found as (

  select
    source_system,
    source_table,
    rule,
    _commit_seq,
    count(case when status = 'left_out' then 1 end) as left_out,
    count(case when status = 'kept' then 1 end) as kept
  from {{ ref('findings') }}
  group by source_system, source_table, rule, _commit_seq

),

-- a rejected record never became a row, so those of all rules are counted on top of the rows that did
rejected as (

  select
    rejects.run_id,
    rejects.source_system,
    rejects.source_table,
    rejects.rule,
    rejects.dimension,
    count(*) as records
  from {{ ref('int_rejects') }} as rejects
  group by rejects.run_id, rejects.source_system, rejects.source_table, rejects.rule, rejects.dimension

),

run_rows as (

  select
    run_id,
    source_system,
    source_table,
    sum(row_count) as row_count
  from {{ ref('int_raw_commits') }}
  group by run_id, source_system, source_table

)

select
  checked.run_id,
  checked.source_system,
  checked.source_table,
  checked.rule,
  checked.dimension,
  checked.severity,
  sum(checked.row_count) as rows_checked,
  sum(
    coalesce(corrected.records, 0) + coalesce(quarantined.records, 0) + coalesce(found.left_out, 0)
    + coalesce(found.kept, 0)
  ) as failed,
  sum(coalesce(corrected.records, 0)) as corrected,
  sum(coalesce(quarantined.records, 0)) as quarantined,
  0 as rejected,
  sum(coalesce(found.left_out, 0)) as left_out,
  sum(coalesce(found.kept, 0)) as kept
from checked
left join corrected
  on
    checked.source_system = corrected.source_system and checked.source_table = corrected.source_table
    and checked.rule = corrected.rule and checked.commit_seq = corrected._commit_seq
left join quarantined
  on
    checked.source_system = quarantined.source_system and checked.source_table = quarantined.source_table
    and checked.rule = quarantined.rule and checked.commit_seq = quarantined._commit_seq
left join found
  on
    checked.source_system = found.source_system and checked.source_table = found.source_table
    and checked.rule = found.rule and checked.commit_seq = found._commit_seq
group by
  checked.run_id, checked.source_system, checked.source_table, checked.rule, checked.dimension, checked.severity
union all
select
  rejected.run_id,
  rejected.source_system,
  rejected.source_table,
  rejected.rule,
  rejected.dimension,
  'error' as severity,
  coalesce(run_rows.row_count, 0)
  + sum(rejected.records) over (partition by rejected.run_id, rejected.source_system, rejected.source_table)
    as rows_checked,
  rejected.records as failed,
  0 as corrected,
  0 as quarantined,
  rejected.records as rejected,
  0 as left_out,
  0 as kept
from rejected
left join run_rows
  on
    rejected.run_id = run_rows.run_id and rejected.source_system = run_rows.source_system
    and rejected.source_table = run_rows.source_table
