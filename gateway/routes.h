/* routes: the one list of all route tables. A new route file is named here and in routes.c. */
#ifndef MW_GATEWAY_ROUTES_H
#define MW_GATEWAY_ROUTES_H

#include "gateway/route.h"

extern const struct route_table route_companies_table, route_tokens_table, route_users_table,
	route_mirror_table, route_import_table, route_settings_table, route_accounts_table,
	route_account_actions_table, route_backfill_table, route_outbox_table, route_operate_table,
	route_threads_table, route_messages_table, route_detail_table, route_events_table,
	route_pipeline_table, route_aside_table, route_webhooks_table, route_webhook_actions_table,
	route_suppressions_table, route_track_table, route_tracking_table, route_coverage_table,
	route_why_table, route_trial_table, route_relink_table, route_export_table,
	route_erasures_table, route_changes_table, route_reports_table, route_plan_table;

/* Ended by NULL. */
extern const struct route_table *const routes_all[];

#endif
