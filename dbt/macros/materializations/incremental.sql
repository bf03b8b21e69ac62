{#
  DuckDB: the model's rows are computed once, in memory, then merged (or deleted and inserted) into the Iceberg table in one
  transaction. A full refresh is a table build.
#}
{% materialization incremental, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {% if existing is none or should_full_refresh() %}
        {% do lake_build(target_relation, compiled_code) %}
    {% else %}
        {% do lake_merge(target_relation, compiled_code) %}
        {% do lake_rewrite_if_due(target_relation) %}
    {% endif %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% macro lake_merge(target_relation, sql) %}
    {%- set on_schema_change = incremental_validate_on_schema_change(
        config.get('on_schema_change'), default='append_new_columns'
    ) -%}
    {%- set strategy = config.get('incremental_strategy') or 'merge' -%}
    {%- set fresh = make_temp_relation(target_relation) -%}
    {% do run_query(create_table_as(True, fresh, sql)) %}
    {% set columns = process_schema_changes(on_schema_change, fresh, target_relation) %}
    {% if not columns %}
        {% set columns = adapter.get_columns_in_relation(target_relation) %}
    {% endif %}
    {% set write = adapter.get_incremental_strategy_macro(context, strategy) %}
    {% call statement('main') -%}
        {{ write({
            'target_relation': target_relation,
            'temp_relation': fresh,
            'unique_key': config.get('unique_key'),
            'dest_columns': columns,
            'incremental_predicates': config.get('incremental_predicates'),
        }) }}
    {%- endcall %}
    {% do adapter.commit() %}
    {% do adapter.drop_relation(fresh) %}
{% endmacro %}

{#
  Every merge leaves a file of new rows and one of deleted positions; a scan has to read them all. Past a number of them the
  table is written anew, as one snapshot like any rebuild. `meta: {rewrite_after: N}` sets the number for a model.
#}
{% macro lake_rewrite_if_due(target_relation) %}
    {%- set limit = (config.get('meta') or {}).get('rewrite_after', 40) -%}
    {%- set fragments = run_query(
        "select lake_fragments('" ~ target_relation.schema ~ "', '" ~ target_relation.identifier ~ "')"
    ).columns[0].values()[0] -%}
    {% if fragments > limit %}
        {%- set successor = make_intermediate_relation(target_relation).incorporate(type='table') -%}
        {% do adapter.drop_relation(successor) %}
        {% do run_query('create table ' ~ successor ~ ' ' ~ duckdb_partitioning() ~ ' as select * from ' ~ target_relation) %}
        {% do lake_replace(successor, target_relation) %}
    {% endif %}
{% endmacro %}

{#
  Trino: one MERGE straight from the model's query. dbt-trino's own way puts a view between them and looks up columns from both
  sides, seven statements a model where three do; planning them costs more than the rows. What a statement reads twice
  (delete+insert) is computed once, into a table that is unregistered afterwards.
#}
{% materialization incremental, adapter='trino', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {{ run_hooks(pre_hooks) }}
    {% if existing is none or should_full_refresh() %}
        {% call statement('main') -%}
            {{ trino__create_table_as(False, target_relation, compiled_code, 'replace') }}
        {%- endcall %}
    {% elif (config.get('incremental_strategy') or 'merge') in ('merge', 'merge_or_delete') %}
        {% do trino_write(
            target_relation, '(' ~ contract_select(compiled_code) ~ ')', config.get('incremental_strategy') or 'merge'
        ) %}
    {% else %}
        {%- set fresh = make_temp_relation(target_relation).incorporate(type='table') -%}
        {# a killed run may have left one #}
        {% do drop_relation_if_exists(load_cached_relation(fresh)) %}
        {% call statement('create_fresh') -%}
            {{ trino__create_table_as(True, fresh, compiled_code) }}
        {%- endcall %}
        {% do trino_write(target_relation, fresh, config.get('incremental_strategy')) %}
        {% do drop_relation_if_exists(fresh) %}
    {% endif %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# Write the promised columns from `fresh`, a table or a query; a column that is new in the contract is added first. #}
{% macro trino_write(target_relation, fresh, strategy) %}
    {%- do refuse_production(target_relation) -%}
    {%- set columns = [] -%}
    {%- for column in model['columns'].values() -%}
        {%- do columns.append(api.Column.create(column['name'], column['data_type'])) -%}
    {%- endfor -%}
    {%- set held = adapter.get_columns_in_relation(target_relation) | map(attribute='name') | list -%}
    {%- for column in columns if column.name not in held %}
        {% do run_query('alter table ' ~ target_relation ~ ' add column ' ~ column.quoted ~ ' ' ~ column.dtype) %}
    {%- endfor %}
    {% set write = adapter.get_incremental_strategy_macro(context, strategy) %}
    {% call statement('main') -%}
        {{ write({
            'target_relation': target_relation,
            'temp_relation': fresh,
            'unique_key': config.get('unique_key'),
            'dest_columns': columns,
            'incremental_predicates': config.get('incremental_predicates'),
        }) }}
    {%- endcall %}
{% endmacro %}

{#
  The strategy merge_or_delete: a merge by the unique key, in which a row that fulfils the model's `meta: {deleted_when: …}`
  takes the row of its key away instead of replacing it. DuckDB's MERGE does one of the two on an Iceberg table, never both:
  there the keys are deleted and inserted, in one commit.
#}
{% macro get_incremental_merge_or_delete_sql(arguments) %}
    {%- set keys = [arguments['unique_key']] if arguments['unique_key'] is string else arguments['unique_key'] -%}
    {%- set matches = [] -%}
    {%- for key in keys %}{% do matches.append('held.' ~ key ~ ' = fresh.' ~ key) %}{% endfor -%}
    {{ return(adapter.dispatch('merge_or_delete')(
        arguments['target_relation'], arguments['temp_relation'], matches | join(' and '),
        arguments['dest_columns'] | map(attribute='name') | list, config.get('meta')['deleted_when']
    )) }}
{% endmacro %}

{% macro duckdb__merge_or_delete(target, source, matches, columns, deleted_when) %}
    delete from {{ target }} as held using {{ source }} as fresh where {{ matches }};
    insert into {{ target }} ({{ columns | join(', ') }})
    select {{ columns | join(', ') }} from {{ source }} where not ({{ deleted_when }})
{% endmacro %}

{% macro trino__merge_or_delete(target, source, matches, columns, deleted_when) %}
    merge into {{ target }} as held
    using (select *, {{ deleted_when }} as _is_deleted from {{ source }}) as fresh
    on {{ matches }}
    when matched and fresh._is_deleted then delete
    when matched then update set
        {%- for column in columns %} {{ column }} = fresh.{{ column }}{{ ',' if not loop.last }}{% endfor %}
    when not matched then insert ({{ columns | join(', ') }})
    values ({% for column in columns %}fresh.{{ column }}{{ ', ' if not loop.last }}{% endfor %})
{% endmacro %}
