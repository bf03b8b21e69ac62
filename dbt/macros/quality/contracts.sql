{#- What the sources promise, by stream: written by `shopsphere contracts generate` from dbt/contracts/; do not edit. -#}
{% macro contracts() -%}
  {%- set found = {
    "catalog.inventory": {
      "system": "catalog",
      "table": "inventory",
      "schema": "raw_catalog",
      "owner": "product-management",
      "grain": ["product_id"],
      "promises": {"product_id_is_there": "product_id is not null", "units_on_hand_is_there": "units_on_hand is not null", "reorder_point_is_there": "reorder_point is not null", "created_at_is_there": "created_at is not null", "updated_at_is_there": "updated_at is not null"},
      "references": {"product_id_is_in_catalog_products": {"by": "product_id", "model": "stg_catalog__products", "column": "product_id"}},
      "freshness": {"by": "updated_at", "days": 2}
    },
    "catalog.prices": {
      "system": "catalog",
      "table": "prices",
      "schema": "raw_catalog",
      "owner": "product-management",
      "grain": ["price_id"],
      "promises": {"price_id_is_there": "price_id is not null", "product_id_is_there": "product_id is not null", "price_is_there": "price is not null", "price_is_in_range": "price >= 0.01", "cost_price_is_there": "cost_price is not null", "cost_price_is_in_range": "cost_price >= 0", "valid_from_is_there": "valid_from is not null", "created_at_is_there": "created_at is not null", "updated_at_is_there": "updated_at is not null"},
      "fixable": ["price"],
      "references": {"product_id_is_in_catalog_products": {"by": "product_id", "model": "stg_catalog__products", "column": "product_id"}},
      "freshness": {"by": "valid_from", "days": 32}
    },
    "catalog.products": {
      "system": "catalog",
      "table": "products",
      "schema": "raw_catalog",
      "owner": "product-management",
      "grain": ["product_id"],
      "promises": {"product_id_is_there": "product_id is not null", "created_at_is_there": "created_at is not null", "updated_at_is_there": "updated_at is not null"}
    },
    "catalog.stores": {
      "system": "catalog",
      "table": "stores",
      "schema": "raw_catalog",
      "owner": "product-management",
      "grain": ["store_id"],
      "promises": {"store_id_is_there": "store_id is not null", "store_name_is_there": "store_name is not null", "region_is_there": "region is not null", "created_at_is_there": "created_at is not null", "updated_at_is_there": "updated_at is not null"}
    },
    "crm.demographics": {
      "system": "crm",
      "table": "demographics",
      "schema": "raw_crm",
      "owner": "customer-care",
      "grain": ["customer_id"],
      "promises": {"customer_id_is_there": "customer_id is not null"},
      "references": {"customer_id_is_in_shop_customers": {"by": "customer_id", "model": "stg_shop__customers", "column": "customer_id"}}
    },
    "hubspot.campaign_members": {
      "system": "hubspot",
      "table": "campaign_members",
      "schema": "raw_hubspot",
      "owner": "marketing",
      "grain": ["member_id"],
      "promises": {"member_id_is_there": "member_id is not null", "campaign_id_is_there": "campaign_id is not null", "contact_id_is_there": "contact_id is not null", "created_at_is_there": "created_at is not null", "updated_at_is_there": "updated_at is not null"},
      "references": {"campaign_id_is_in_hubspot_campaigns": {"by": "campaign_id", "model": "stg_hubspot__campaigns", "column": "campaign_id"}, "contact_id_is_in_hubspot_contacts": {"by": "contact_id", "model": "stg_hubspot__contacts", "column": "contact_id"}}
    },
    "hubspot.campaigns": {
      "system": "hubspot",
      "table": "campaigns",
      "schema": "raw_hubspot",
      "owner": "marketing",
      "grain": ["campaign_id"],
      "promises": {"campaign_id_is_there": "campaign_id is not null", "created_at_is_there": "created_at is not null", "updated_at_is_there": "updated_at is not null"}
    },
    "hubspot.contacts": {
      "system": "hubspot",
      "table": "contacts",
      "schema": "raw_hubspot",
      "owner": "marketing",
      "grain": ["contact_id"],
      "promises": {"contact_id_is_there": "contact_id is not null", "created_at_is_there": "created_at is not null", "updated_at_is_there": "updated_at is not null"},
      "references": {"contact_id_is_in_shop_customers": {"by": "contact_id", "model": "stg_shop__customers", "column": "customer_id"}},
      "freshness": {"by": "updated_at", "days": 60}
    },
    "hubspot.coupon_redemptions": {
      "system": "hubspot",
      "table": "coupon_redemptions",
      "schema": "raw_hubspot",
      "owner": "marketing",
      "grain": ["redemption_id"],
      "promises": {"redemption_id_is_there": "redemption_id is not null", "campaign_id_is_there": "campaign_id is not null", "contact_id_is_there": "contact_id is not null", "redemption_date_is_there": "redemption_date is not null", "created_at_is_there": "created_at is not null", "updated_at_is_there": "updated_at is not null"},
      "references": {"campaign_id_is_in_hubspot_campaigns": {"by": "campaign_id", "model": "stg_hubspot__campaigns", "column": "campaign_id"}, "contact_id_is_in_hubspot_contacts": {"by": "contact_id", "model": "stg_hubspot__contacts", "column": "contact_id"}}
    },
    "hubspot.email_events": {
      "system": "hubspot",
      "table": "email_events",
      "schema": "raw_hubspot",
      "owner": "marketing",
      "grain": ["email_event_id"],
      "promises": {"email_event_id_is_there": "email_event_id is not null", "campaign_id_is_there": "campaign_id is not null", "contact_id_is_there": "contact_id is not null", "event_type_is_there": "event_type is not null", "event_type_is_known": "event_type in ('sent', 'opened', 'clicked')", "created_at_is_there": "created_at is not null", "updated_at_is_there": "updated_at is not null"},
      "lists": {"event_type": ["sent", "opened", "clicked"]},
      "references": {"campaign_id_is_in_hubspot_campaigns": {"by": "campaign_id", "model": "stg_hubspot__campaigns", "column": "campaign_id"}, "contact_id_is_in_hubspot_contacts": {"by": "contact_id", "model": "stg_hubspot__contacts", "column": "contact_id"}}
    },
    "shop.customer_changes": {
      "system": "shop",
      "table": "customer_changes",
      "schema": "raw_shop",
      "owner": "customer-care",
      "grain": ["change_id"],
      "promises": {"change_id_is_there": "change_id is not null", "customer_id_is_there": "customer_id is not null", "marketing_consent_is_there": "marketing_consent is not null", "valid_from_is_there": "valid_from is not null", "change_type_is_there": "change_type is not null", "created_at_is_there": "created_at is not null", "updated_at_is_there": "updated_at is not null"},
      "formats": {"email": "email", "phone": "e164"},
      "references": {"customer_id_is_in_shop_customers": {"by": "customer_id", "model": "stg_shop__customers", "column": "customer_id"}},
      "freshness": {"by": "updated_at", "days": 60}
    },
    "shop.customers": {
      "system": "shop",
      "table": "customers",
      "schema": "raw_shop",
      "owner": "customer-care",
      "grain": ["customer_id"],
      "promises": {"customer_id_is_there": "customer_id is not null", "marketing_consent_is_there": "marketing_consent is not null", "created_at_is_there": "created_at is not null", "updated_at_is_there": "updated_at is not null"},
      "formats": {"email": "email", "phone": "e164"},
      "freshness": {"by": "updated_at", "days": 60}
    },
    "shop.order_items": {
      "system": "shop",
      "table": "order_items",
      "schema": "raw_shop",
      "owner": "shop-engineering",
      "grain": ["order_id", "product_id"],
      "promises": {"order_id_is_there": "order_id is not null", "product_id_is_there": "product_id is not null", "quantity_is_there": "quantity is not null", "quantity_is_in_range": "quantity >= 0", "sales_value_is_there": "sales_value is not null", "sales_value_is_in_range": "sales_value >= 0", "retail_disc_is_there": "retail_disc is not null", "retail_disc_is_in_range": "retail_disc >= 0", "coupon_disc_is_there": "coupon_disc is not null", "coupon_disc_is_in_range": "coupon_disc >= 0", "coupon_match_disc_is_there": "coupon_match_disc is not null", "coupon_match_disc_is_in_range": "coupon_match_disc >= 0", "created_at_is_there": "created_at is not null", "updated_at_is_there": "updated_at is not null"},
      "fixable": ["quantity", "sales_value"],
      "freshness": {"by": "updated_at", "days": 1},
      "volume": {"by": "created_at", "at_least": 1}
    },
    "shop.orders": {
      "system": "shop",
      "table": "orders",
      "schema": "raw_shop",
      "owner": "shop-engineering",
      "grain": ["order_id"],
      "promises": {"order_id_is_there": "order_id is not null", "customer_id_is_there": "customer_id is not null", "store_id_is_there": "store_id is not null", "placed_at_is_there": "placed_at is not null", "status_is_there": "status is not null", "status_is_known": "status in ('placed', 'paid', 'shipped', 'delivered')", "payment_method_is_there": "payment_method is not null", "currency_is_there": "currency is not null", "reported_total_amount_is_there": "reported_total_amount is not null", "created_at_is_there": "created_at is not null", "updated_at_is_there": "updated_at is not null"},
      "lists": {"status": ["placed", "paid", "shipped", "delivered"]},
      "fixable": ["customer_id", "placed_at", "currency"],
      "references": {"customer_id_is_in_shop_customers": {"by": "customer_id", "model": "stg_shop__customers", "column": "customer_id"}, "store_id_is_in_catalog_stores": {"by": "store_id", "model": "stg_catalog__stores", "column": "store_id"}},
      "freshness": {"by": "updated_at", "days": 1},
      "volume": {"by": "placed_at", "at_least": 1}
    },
    "shop.payments": {
      "system": "shop",
      "table": "payments",
      "schema": "raw_shop",
      "owner": "shop-engineering",
      "grain": ["payment_id"],
      "promises": {"payment_id_is_there": "payment_id is not null", "order_id_is_there": "order_id is not null", "payment_method_is_there": "payment_method is not null", "amount_is_there": "amount is not null", "amount_is_in_range": "amount >= 0", "currency_is_there": "currency is not null", "payment_status_is_there": "payment_status is not null", "paid_at_is_there": "paid_at is not null", "created_at_is_there": "created_at is not null", "updated_at_is_there": "updated_at is not null"},
      "formats": {"currency": "iso_4217"},
      "freshness": {"by": "updated_at", "days": 2},
      "volume": {"by": "paid_at", "at_least": 1}
    },
    "shop.refunds": {
      "system": "shop",
      "table": "refunds",
      "schema": "raw_shop",
      "owner": "shop-engineering",
      "grain": ["refund_id"],
      "promises": {"refund_id_is_there": "refund_id is not null", "order_id_is_there": "order_id is not null", "amount_is_there": "amount is not null", "amount_is_in_range": "amount >= 0.01", "reason_is_there": "reason is not null", "refunded_at_is_there": "refunded_at is not null", "created_at_is_there": "created_at is not null", "updated_at_is_there": "updated_at is not null"},
      "references": {"product_id_is_in_catalog_products": {"by": "product_id", "model": "stg_catalog__products", "column": "product_id"}},
      "freshness": {"by": "updated_at", "days": 30}
    },
    "web.events": {
      "system": "web",
      "table": "events",
      "schema": "raw_web",
      "owner": "web-engineering",
      "grain": ["event_id"],
      "promises": {"event_id_is_there": "event_id is not null", "user_id_is_there": "user_id is not null", "session_id_is_there": "session_id is not null", "event_type_is_there": "event_type is not null", "occurred_at_is_there": "occurred_at is not null", "received_at_is_there": "received_at is not null"},
      "lists": {"event_type": ["visit", "view", "click", "add_to_cart", "signup", "checkout", "purchase"]},
      "fixable": ["user_id", "occurred_at"],
      "freshness": {"by": "occurred_at", "days": 1},
      "volume": {"by": "occurred_at", "at_least": 1}
    }
  } -%}
  {{ return(found) }}
{%- endmacro %}
