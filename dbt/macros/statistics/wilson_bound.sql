{#- Lower or upper bound of Wilson's 95 % score interval for a share of `successes` in `trials`, rounded to 6 decimals, NULL without trials:

        (2s + z² ∓ z·√(z² + 4·s·(n − s)/n)) ÷ (2·(n + z²)),   z = 1.959963984540054

    It stays within 0 and 1 and is meaningful for few trials and for shares of 0 or 1, where the textbook p ± z·√(p(1 − p)/n) is not.
    The root takes a DOUBLE; both engines compute the same IEEE steps in this order, and the rounding leaves ten digits to spare. -#}
{% macro wilson_bound(successes, trials, side) -%}
  {%- set z = '1.959963984540054e0' -%}
  {%- set s = 'cast(' ~ successes ~ ' as double)' -%}
  {%- set n = 'cast(nullif(' ~ trials ~ ', 0) as double)' -%}
  cast(round(
    (2e0 * {{ s }} + {{ z }} * {{ z }} {{ '-' if side == 'lower' else '+' }} {{ z }}
      * sqrt({{ z }} * {{ z }} + 4e0 * {{ s }} * ({{ n }} - {{ s }}) / {{ n }}))
    / (2e0 * ({{ n }} + {{ z }} * {{ z }})), 6) as decimal(7, 6))
{%- endmacro %}
