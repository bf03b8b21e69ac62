{#-
  Incremental by touched keys.

  Raw tables are append-only logs numbered by commit (_sdc_commit_seq). A staging table keeps the number of the commit
  each of its rows came from (_commit_seq); a fact keeps one such watermark per input (_orders_seq, …). A run takes
  the keys written by later commits than the highest number it holds and computes those keys anew from everything
  known about them. How late a row is plays no part, and there is no look-back window to choose.
-#}

{#- Latest version per key of a raw log, as a query: one row per key, the last by (_sdc_commit_seq, _sdc_sequence).
    `after`: only commits later than this number (see watermark()); `accepted`: predicate a version must fulfil to
    count, so that the last good version stands where a later one is in quarantine; `always`: predicate of versions
    that are taken whatever their commit. -#}
{% macro latest_version(relation, key_columns, after=none, accepted=none, always='false') -%}
  {%- set keys = [key_columns] if key_columns is string else key_columns -%}
  select v.*
  from (
    select
      r.*,
      row_number() over (
        partition by {% for key in keys %}r.{{ key }}{{ ', ' if not loop.last }}{% endfor %}
        order by r._sdc_commit_seq desc, r._sdc_sequence desc
      ) as _version_age
    from {{ relation }} as r
    where true
      {%- if after is not none %} and (r._sdc_commit_seq > {{ after }} or {{ always }}){% endif %}
      {%- if accepted %} and {{ accepted }}{% endif %}
  ) as v
  where v._version_age = 1
{%- endmacro %}

{#- The highest commit number this model holds of an input, as a literal, so that the engine can skip files by their
    statistics; -1 when the model is built from nothing. -#}
{% macro watermark(column='_commit_seq') -%}
  {%- if not (execute and is_incremental()) -%} {{ return(-1) }} {%- endif -%}
  {%- set found = run_query('select coalesce(max(' ~ column ~ '), -1) as seq from ' ~ this) -%}
  {{ return(found.columns[0].values()[0] | int) }}
{%- endmacro %}

{#- Distinct keys written after the watermarks: `inputs` is a list of {relation, column, key?} where column is the
    watermark this model keeps of the relation; the relation's own number is in _commit_seq. `decided`: a query of
    further keys. -#}
{% macro touched_keys(key, inputs, decided=none) -%}
  (
    {% for input in inputs -%}
    select i.{{ input.key or key }} as {{ key }}
    from {{ input.relation }} as i
    where i._commit_seq > {{ watermark(input.column) }}
    {{ 'union' if not loop.last }}
    {% endfor -%}
    {%- if decided %}
    union
    {{ decided }}
    {%- endif %}
  )
{%- endmacro %}

{#- Keys of which this model, in `counter`, counts other rows than `relation` has: something that was counted moved from
    one key to another, and the key that it left is told by nothing but its number. A further part of a touched key.
    All keys there are would be compared, so that is done only when something may have moved: see may_have_moved(), of
    which `staging`, `seq_column` and `decided` are. -#}
{% macro miscounted_keys(key, relation, counter, staging, seq_column, decided) -%}
  {%- if may_have_moved(counter, staging, seq_column, decided) -%}
  select coalesce(there.{{ key }}, held.{{ key }}) as {{ key }}
  from (select {{ key }}, count(*) as entries from {{ relation }} group by {{ key }}) as there
  full outer join (select {{ key }}, sum({{ counter }}) as entries from {{ this }} group by {{ key }}) as held
    on there.{{ key }} = held.{{ key }}
  where there.entries is distinct from held.entries
  {%- else -%}
  select {{ key }} from {{ this }} where false
  {%- endif %}
{%- endmacro %}

{#- Whether a row of `staging` that this model has counted may since have come under another key. Every row there is has
    then been counted or come after the watermark, and none has been both: a row that was counted and written anew is.
    Rows that somebody `decided` about are read otherwise without a commit of their own. -#}
{% macro may_have_moved(counter, staging, seq_column, decided) -%}
  {%- if not (execute and flags.INTROSPECT and is_incremental()) -%} {{ return(true) }} {%- endif -%}
  {%- set found = run_query(
    'select case when (select coalesce(sum(' ~ counter ~ '), 0) from ' ~ this ~ ') + (select count(*) from ' ~ staging
    ~ ' where _commit_seq > (select coalesce(max(' ~ seq_column ~ '), -1) from ' ~ this ~ ')) <> (select count(*) from '
    ~ staging ~ ') or exists (' ~ decided ~ ') then 1 else 0 end as moved'
  ) -%}
  {{ return(found.columns[0].values()[0] | int > 0) }}
{%- endmacro %}

{#- Rows of `computed` that the model does not hold yet just so, found by the model's unique key: an unchanged row is
    not written again, so a rerun writes nothing and a touched customer does not rewrite every order. Everything when the
    model is built from nothing. Columns are compared by the names in the contract; one that the table does not have yet
    is null there, and the run adds it. A unit test knows no contract: there all columns are compared, in their order. -#}
{% macro only_changed(computed) -%}
  {%- set columns = (model.get('columns') or {}).values() | list -%}
  {%- if not is_incremental() %}
  select * from {{ computed }}
  {%- elif not columns %}
  select * from {{ computed }}
  except
  select * from {{ this }}
  {%- else %}
  {%- set unique_key = config.get('unique_key') -%}
  {%- set keys = [unique_key] if unique_key is string else unique_key -%}
  {%- set held = adapter.get_columns_in_relation(this) | map(attribute='name') | map('lower') | list %}
  select {{ computed }}.*
  from {{ computed }}
  left join {{ this }} as held
    on {% for key in keys %}{{ computed }}.{{ key }} = held.{{ key }}{{ ' and ' if not loop.last }}{% endfor %}
  where
    held.{{ keys[0] }} is null
    {%- for column in columns if column['name'] not in keys %}
    {%- set name = adapter.quote(column['name']) if column.get('quote') else column['name'] %}
    or {{ computed }}.{{ name }} is
    {{- ' distinct from held.' ~ name if column['name'] | lower in held else ' not null' }}
    {%- endfor %}
  {%- endif %}
{%- endmacro %}

{#- Whether a table is there: false where nothing may be asked (compiling offline). -#}
{% macro relation_exists(relation) -%}
  {%- if not (execute and flags.INTROSPECT) -%} {{ return(false) }} {%- endif -%}
  {{ return(adapter.get_relation(relation.database, relation.schema, relation.identifier) is not none) }}
{%- endmacro %}
