{# DuckDB: a seed is built and put in place like any table. dbt calls create or reset, then load: load does it all. #}

{% macro duckdb__create_csv_table(model, agate_table) -%}
    {{ return('-- built by load_csv_rows') }}
{%- endmacro %}

{% macro duckdb__reset_csv_table(model, full_refresh, old_relation, agate_table) -%}
    {{ return('-- rebuilt by load_csv_rows') }}
{%- endmacro %}

{% macro duckdb__load_csv_rows(model, agate_table) -%}
    {%- set declared = model['config'].get('column_types', {}) -%}
    {%- set successor = make_intermediate_relation(this).incorporate(type='table') -%}
    {% do adapter.drop_relation(successor) %}
    {% set sql %}
        create table {{ successor }} as
        select
        {%- for name in agate_table.column_names %}
            {%- set type = declared.get(name, adapter.convert_type(agate_table, loop.index0)) %}
            cast({{ adapter.quote(name) }} as {{ type }}) as {{ adapter.quote(name) }}{{ "," if not loop.last }}
        {%- endfor %}
        from read_csv('{{ adapter.get_seed_file_path(model) }}', all_varchar = true, header = true)
    {% endset %}
    {% do run_query(sql) %}
    {% do lake_replace(successor, this) %}
    {{ return(sql) }}
{%- endmacro %}
