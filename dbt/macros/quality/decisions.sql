{#-
  What people decided about records in quarantine (intermediate.int_decisions), obeyed where a record is believed or not.

  A base model tells the first rule broken as written (written_rule). It joins what was decided about its records as `d`
  and the fixes as `f`, those about written_rule: a fix holds for versions that break the rule it was made for, and a
  better version from the source is read as it came. Each field that can be fixed is read by fixed(), and released() is
  asked beside each rule that can be waived. It gives the rule broken after the decisions (rule) and whether somebody
  decided (is_decided): incremental models take such records again, however old they are.
-#}

{#- Decisions on one source table, one row a record. -#}
{% macro decisions_on(source_system, source_table) -%}
  (
    select
      record_key,
      ',' || {{ joined_values("case when decision = 'release' then rule end", ',') }} || ',' as released_rules,
      ',' || {{ joined_values("case when decision = 'dismiss' then rule end", ',') }} || ',' as dismissed_rules
    from {{ ref('int_decisions') }}
    where source_system = '{{ source_system }}' and source_table = '{{ source_table }}'
    group by record_key
  )
{%- endmacro %}

{#- Fixes on one source table, one row a record and rule; `latest`: one row a record, where the last decision about it
    is a fix. -#}
{% macro fixes_on(source_system, source_table, latest=false) -%}
  (
    select *
    from (
      select
        *,
        row_number() over (
          partition by record_key{{ ', rule' if not latest }} order by decided_at desc, rule
        ) as decision_age
      from {{ ref('int_decisions') }}
      where source_system = '{{ source_system }}' and source_table = '{{ source_table }}'
    ) as decisions
    where decision_age = 1 and decision = 'fix'
  )
{%- endmacro %}

{#- Part of a record's key, from 1, as a number; `of` is the alias of the decisions or the fixes. -#}
{% macro key_part(of, part) -%}
  {{ whole_number("split_part(" ~ of ~ ".record_key, '-', " ~ part ~ ")") }}
{%- endmacro %}

{#- The field as a person said it truly is, else as it was written. -#}
{% macro fixed(field, written, type) -%}
  coalesce({{ dbt.safe_cast('f.fixed_' ~ field, type) }}, {{ written }})
{%- endmacro %}

{#- Whether an event that somebody decided about is read otherwise than it is `kept`. -#}
{% macro fixed_anew(event, kept) -%}
  (
    {{ event }}.is_decided and (
      {{ event }}.received_at <> {{ kept }}.received_at or {{ event }}.user_id <> {{ kept }}.user_id
      or {{ event }}.occurred_at <> {{ kept }}.occurred_at
    )
  )
{%- endmacro %}

{% macro released(rule) -%} coalesce(strpos(d.released_rules, ',{{ rule }},') > 0, false) {%- endmacro %}

{#- What became of a record of which the version `bad` is the last that breaks its rule as written; `is_resolved`: the
    source has sent a better one since. -#}
{% macro decided_status(is_resolved) -%}
  case
    when {{ is_resolved }} then 'resolved'
    when coalesce(strpos(bad.dismissed_rules, ',' || bad.written_rule || ',') > 0, false) then 'dismissed'
    when bad.rule is null and bad.is_fixed then 'fixed'
    when bad.rule is null then 'released'
    else 'open'
  end
{%- endmacro %}

{#- Orders that somebody decided about, or about lines of theirs: touched, whatever their commit. -#}
{% macro decided_orders() -%}
  select {{ whole_number("split_part(record_key, '-', 1)") }} as order_id
  from {{ ref('int_decisions') }}
  where source_system = 'shop' and source_table in ('orders', 'order_items')
{%- endmacro %}

{#- Events that somebody decided about. -#}
{% macro decided_events() -%}
  select record_key as event_id
  from {{ ref('int_decisions') }}
  where source_system = 'web' and source_table = 'events'
{%- endmacro %}

{#- Orders of which a line is held back, so that what their lines come to is not known. -#}
{% macro orders_with_set_aside_lines() -%}
  select cast(split_part(record_key, '-', 1) as bigint) as order_id
  from {{ ref('quarantine') }}
  where source_system = 'shop' and source_table = 'order_items' and status in ('open', 'dismissed')
{%- endmacro %}

{#- Whether anybody has fixed anything: as long as nobody has, no table is searched for what was fixed. -#}
{% macro has_fixes() -%}
  {%- set decisions = ref('int_decisions') -%}
  {%- if not (execute and flags.INTROSPECT) -%} {{ return(true) }} {%- endif -%}
  {{ return(run_query('select count(*) as n from ' ~ decisions ~ " where decision = 'fix'").columns[0].values()[0] | int > 0) }}
{%- endmacro %}
