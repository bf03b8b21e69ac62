{#- How far a value lies from the expected one in robust standard deviations, half up to 6 decimals: 1.4826 makes the
    median absolute deviation comparable with a standard deviation. NULL when that is 0. `digits`: see ratio(). -#}
{% macro robust_distance(value, expected, mad, digits) -%}
  {{ ratio(value ~ ' - ' ~ expected, "cast('1.4826' as decimal(5, 4)) * " ~ mad, scale=6, digits=digits) }}
{%- endmacro %}

{#- Whether a distance is out of the ordinary: over 3.5 in size, told by at least 4 of the 8 weeks before. -#}
{% macro is_out_of_the_ordinary(distance, weeks) -%}
  {{ weeks }} >= 4 and coalesce(abs({{ distance }}) > cast('3.5' as decimal(2, 1)), false)
{%- endmacro %}
