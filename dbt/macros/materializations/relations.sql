{#
  Dropping and renaming, safe on a branch. A branch shares its files with production, and Trino's DROP deletes files: so a
  drop here only unregisters the table, and the lake's sweep reclaims what nothing can reach. A rename moves the name alone.
#}

{% macro duckdb__drop_relation(relation) -%}
    {# No CASCADE: DuckDB refuses it on Iceberg. The door never deletes a file. #}
    {% call statement('drop_relation', auto_begin=False) -%}
        drop {{ relation.type or 'table' }} if exists {{ relation }}
    {%- endcall %}
{% endmacro %}

{% macro duckdb__rename_relation(from_relation, to_relation) -%}
    {% do lake_replace(from_relation, to_relation) %}
{% endmacro %}

{# Asking DuckDB's information_schema would load the metadata of every table of the lake. #}
{% macro duckdb__list_relations_without_caching(schema_relation) %}
    {% call statement('list_relations_without_caching', fetch_result=True, auto_begin=False) -%}
        select
            '{{ schema_relation.database }}' as database,
            unnest(lake_tables('{{ schema_relation.schema }}')) as name,
            '{{ schema_relation.schema }}' as schema,
            'table' as type
    {% endcall %}
    {{ return(load_result('list_relations_without_caching').table) }}
{% endmacro %}

{# Models are tables. dbt-trino's own question also asks for materialized views, in a catalog of Trino that is slow to answer. #}
{% macro trino__list_relations_without_caching(relation) %}
    {% call statement('list_relations_without_caching', fetch_result=True) -%}
        select table_catalog, table_name, table_schema, 'table' as table_type
        from {{ relation.information_schema() }}.tables
        where table_schema = '{{ relation.schema | lower }}'
    {%- endcall %}
    {{ return(load_result('list_relations_without_caching').table) }}
{% endmacro %}

{% macro trino__get_drop_sql(relation) -%}
    {%- if relation.type == 'table' -%}
        call {{ adapter.quote(relation.database) }}.system.unregister_table('{{ relation.schema }}', '{{ relation.identifier }}')
    {%- else -%}
        drop {{ relation.type | replace('_', ' ') }} if exists {{ relation }}
    {%- endif -%}
{%- endmacro %}

{# Unregistering has no IF EXISTS, and dbt's cache may know a table that is gone. #}
{% macro trino__drop_relation(relation) -%}
    {% set type = relation.type or 'table' %}
    {% set found = adapter.get_relation(relation.database, relation.schema, relation.identifier) %}
    {% if type != 'table' or found is not none %}
        {% call statement('drop_relation', auto_begin=False) -%}
            {{ trino__get_drop_sql(relation.incorporate(type=type)) }}
        {%- endcall %}
    {% endif %}
{% endmacro %}

{# As dbt's own, but a compile without a server (`--no-introspect`) gets the full build instead of a refused connection. #}
{% macro is_incremental() %}
    {% if not execute or not flags.INTROSPECT %}
        {{ return(False) }}
    {% endif %}
    {% set relation = load_cached_relation(this) %}
    {{ return(
        relation is not none
        and relation.type == 'table'
        and model.config.materialized == 'incremental'
        and not should_full_refresh()
    ) }}
{% endmacro %}
