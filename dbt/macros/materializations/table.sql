{#
  DuckDB: a table is built beside its predecessor and takes its place in one Iceberg snapshot (`lake_replace`, see
  ecommerce_pipeline/lakehouse/replace.py). Readers never miss it, its history stays. Trino does the same with
  CREATE OR REPLACE, through dbt-trino's own materialization.
#}
{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {% do lake_build(target_relation, compiled_code) %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% macro lake_build(target_relation, sql) %}
    {%- set successor = make_intermediate_relation(target_relation).incorporate(type='table') -%}
    {# a killed run may have left one #}
    {% do adapter.drop_relation(successor) %}
    {% call statement('main', auto_begin=False) -%}
        {{ create_table_as(False, successor, sql) }}
    {%- endcall %}
    {% do lake_replace(successor, target_relation) %}
{% endmacro %}

{% macro lake_replace(successor, target_relation) %}
    {% do run_query(
        "select lake_replace('" ~ target_relation.schema ~ "', '" ~ successor.identifier ~ "', '"
        ~ target_relation.identifier ~ "')"
    ) %}
{% endmacro %}
