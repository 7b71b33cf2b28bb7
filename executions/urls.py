"""Addresses of executions."""

from django.urls import path

from executions.views.account import account, save_notifications, send_test
from executions.views.alert_channels import (
    channel,
    channel_list,
    delete_channel,
    new_channel,
    rotate_secret,
    test_channel,
)
from executions.views.alert_rules import delete_rule, new_rule, preview_rule, rule, rule_list
from executions.views.alerts import alert, alerts
from executions.views.api_tokens import (
    machine_account,
    machine_account_list,
    new_token,
    remove_token,
    revoke_token,
    token_list,
)
from executions.views.audit import audit, audit_export
from executions.views.block import block
from executions.views.bulk import bulk, bulk_control, bulk_job, bulk_jobs, bulk_results
from executions.views.chains import chain, chain_list, delete_chain, new_chain
from executions.views.commands import command
from executions.views.comparison import executions_compare
from executions.views.deliveries import delivery, delivery_list, try_again
from executions.views.execution import (
    execution,
    execution_change,
    execution_exception,
    execution_live,
    execution_times,
    execution_value,
)
from executions.views.export import export
from executions.views.failures.commands import failure_command, failure_people
from executions.views.failures.listing import failures, failures_live
from executions.views.failures.page import failure, failure_live
from executions.views.failures.retry import failure_retry
from executions.views.flow import flow, flow_live, flow_start
from executions.views.flow_list.arrange import flow_arrange, flow_star
from executions.views.flow_list.import_files import flow_import
from executions.views.flow_list.page import flows, flows_live
from executions.views.flow_list.peek import flow_peek
from executions.views.functions import function_completions
from executions.views.grid import (
    completions,
    execution_child_counts,
    execution_children,
    execution_groups,
    executions,
)
from executions.views.help import help_blocks, help_guide, help_page
from executions.views.logs import logs, logs_new
from executions.views.notifications import (
    notification_list,
    open_notification,
    read_notifications,
)
from executions.views.overview import (
    overview,
    overview_live,
    overview_wall,
    overview_wall_live,
    worker,
    worker_list,
    worker_live,
)
from executions.views.preferences import columns, preferences_page, zone_list
from executions.views.questions import (
    assign_question,
    give_back_question,
    question,
    question_list,
    question_list_live,
    question_live,
    take_question,
)
from executions.views.rail import rail_number
from executions.views.rights import flow_rights, folder_rights, site_rights
from executions.views.run_again import run_again
from executions.views.saved_views import saved_view, saved_views
from executions.views.schedules.page import (
    delete_schedule,
    new_schedule,
    pause_schedules,
    preview_schedule,
    run_schedule,
    schedule,
    schedule_list,
    schedules_live,
    switch_schedule,
)
from executions.views.set_next import set_next
from executions.views.share_links import revoke_share_link, share, shared_execution
from executions.views.signals import delete_signal, signal, signal_list
from executions.views.storage import (
    delete_storage_collection,
    delete_storage_item,
    storage,
    storage_collection,
    storage_item,
)
from executions.views.variable_edit import variable_edit
from executions.views.watches import watches
from executions.views.webhook_receiver import hook
from executions.views.webhooks import (
    delete_webhook,
    new_webhook,
    replay_request,
    try_webhook,
    webhook,
    webhook_list,
    webhook_request,
    webhook_requests,
    webhook_secret,
)

urlpatterns = [
    path("", executions, name="executions"),
    path("failures/", failures, name="failures"),
    path("failures/live/", failures_live, name="failures-live"),
    path("failures/<uuid:group_id>/", failure, name="failure"),
    path("failures/<uuid:group_id>/live/", failure_live, name="failure-live"),
    path("failures/<uuid:group_id>/retry/", failure_retry, name="failure-retry"),
    path("failures/<uuid:group_id>/people/", failure_people, name="failure-people"),
    path(
        "failures/<uuid:group_id>/commands/<str:command>/", failure_command, name="failure-command"
    ),
    path("overview/", overview, name="overview"),
    path("overview/live/", overview_live, name="overview-live"),
    path("overview/wall/", overview_wall, name="overview-wall"),
    path("overview/wall/live/", overview_wall_live, name="overview-wall-live"),
    path("workers/", worker_list, name="workers"),
    path("workers/<str:name>/", worker, name="worker"),
    path("workers/<str:name>/live/", worker_live, name="worker-live"),
    path("executions/commands/<str:command>/", command, name="execution-command"),
    path("executions/compare/", executions_compare, name="executions-compare"),
    path("executions/set-next/", set_next, name="set-next"),
    path("executions/run-again/", run_again, name="run-again"),
    path("executions/all/<str:command>/", bulk, name="bulk"),
    path("executions/export/<str:format>/", export, name="export"),
    path("executions/watches/", watches, name="watches"),
    path("executions/jobs/", bulk_jobs, name="bulk-jobs"),
    path("executions/jobs/<uuid:job_id>/", bulk_job, name="bulk-job"),
    path("executions/jobs/<uuid:job_id>/results/", bulk_results, name="bulk-results"),
    path("executions/jobs/<uuid:job_id>/<str:control>/", bulk_control, name="bulk-control"),
    path("executions/complete/", completions, name="execution-completions"),
    path("expressions/functions/", function_completions, name="function-completions"),
    path("executions/groups/", execution_groups, name="execution-groups"),
    path("executions/<uuid:execution_id>/children/", execution_children, name="execution-children"),
    path(
        "executions/<uuid:execution_id>/children/counts/",
        execution_child_counts,
        name="execution-child-counts",
    ),
    path("executions/<uuid:execution_id>/", execution, name="execution"),
    path("executions/<uuid:execution_id>/share/", share, name="share"),
    path(
        "executions/<uuid:execution_id>/share/<int:link_id>/revoke/",
        revoke_share_link,
        name="revoke-share-link",
    ),
    path("shared/<str:secret>/", shared_execution, name="shared-execution"),
    path("executions/<uuid:execution_id>/block/", block, name="execution-block"),
    path("executions/<uuid:execution_id>/live/", execution_live, name="execution-live"),
    path("executions/<uuid:execution_id>/times/", execution_times, name="execution-times"),
    path("executions/<uuid:execution_id>/value/", execution_value, name="execution-value"),
    path(
        "executions/<uuid:execution_id>/steps/<int:number>/change/",
        execution_change,
        name="execution-change",
    ),
    path(
        "executions/<uuid:execution_id>/exceptions/<int:record_id>/",
        execution_exception,
        name="execution-exception",
    ),
    path("executions/<uuid:execution_id>/variable/", variable_edit, name="variable-edit"),
    path("flows/", flows, name="flows"),
    # Names of flows have no slash, so these take none of theirs.
    path("flows/live/parts/", flows_live, name="flows-live"),
    path("flows/import/files/", flow_import, name="flow-import"),
    path("flows/<str:name>/", flow, name="flow"),
    path("flows/<str:name>/arrange/", flow_arrange, name="flow-arrange"),
    path("flows/<str:name>/rights/", flow_rights, name="flow-rights"),
    path("flows/<str:name>/star/", flow_star, name="flow-star"),
    path("flows/<str:name>/peek/", flow_peek, name="flow-peek"),
    path("flows/<str:name>/live/", flow_live, name="flow-live"),
    path("flows/<str:name>/start/", flow_start, name="flow-start"),
    path("rights/", site_rights, name="site-rights"),
    path("rights/folders/<int:folder_id>/", folder_rights, name="folder-rights"),
    path("schedules/", schedule_list, name="schedules"),
    path("schedules/live/<int:selected>/", schedules_live, name="schedules-live"),
    path("schedules/new/", new_schedule, name="new-schedule"),
    path("schedules/preview/", preview_schedule, name="preview-schedule"),
    path("schedules/pause/", pause_schedules, name="pause-schedules"),
    path("schedules/<int:schedule_id>/", schedule, name="schedule"),
    path("schedules/<int:schedule_id>/switch/", switch_schedule, name="switch-schedule"),
    path("schedules/<int:schedule_id>/run/", run_schedule, name="run-schedule"),
    path("schedules/<int:schedule_id>/delete/", delete_schedule, name="delete-schedule"),
    path("logs/", logs, name="logs"),
    path("logs/new/", logs_new, name="logs-new"),
    path("audit/", audit, name="audit"),
    path("audit/export/<str:format>/", audit_export, name="audit-export"),
    path("alerts/", alerts, name="alerts"),
    path("alerts/<int:alert_id>/", alert, name="alert"),
    path("alerts/rules/", rule_list, name="alert-rules"),
    path("alerts/rules/new/", new_rule, name="new-alert-rule"),
    path("alerts/rules/preview/", preview_rule, name="preview-alert-rule"),
    path("alerts/rules/<int:rule_id>/", rule, name="alert-rule"),
    path("alerts/rules/<int:rule_id>/delete/", delete_rule, name="delete-alert-rule"),
    path("alerts/channels/", channel_list, name="alert-channels"),
    path("alerts/channels/new/", new_channel, name="new-alert-channel"),
    path("alerts/channels/<int:channel_id>/", channel, name="alert-channel"),
    path("alerts/channels/<int:channel_id>/secret/", rotate_secret, name="rotate-secret"),
    path("alerts/channels/<int:channel_id>/test/", test_channel, name="test-alert-channel"),
    path("alerts/channels/<int:channel_id>/delete/", delete_channel, name="delete-alert-channel"),
    path("alerts/deliveries/", delivery_list, name="deliveries"),
    path("alerts/deliveries/<uuid:delivery_id>/", delivery, name="delivery"),
    path("alerts/deliveries/<uuid:delivery_id>/retry/", try_again, name="try-delivery"),
    path("account/", account, name="account"),
    path("account/tokens/", new_token, name="new-token"),
    path("tokens/", token_list, name="tokens"),
    path("tokens/<int:token_id>/revoke/", revoke_token, name="revoke-token"),
    path("tokens/<int:token_id>/remove/", remove_token, name="remove-token"),
    path("machine-accounts/", machine_account_list, name="machine-accounts"),
    path("machine-accounts/<int:user_id>/", machine_account, name="machine-account"),
    path("account/notifications/", save_notifications, name="save-notifications"),
    path("account/test/", send_test, name="send-test"),
    path("notifications/", notification_list, name="notifications"),
    path("notifications/read/", read_notifications, name="read-notifications"),
    path("notifications/<uuid:delivery_id>/", open_notification, name="notification"),
    path("hooks/<str:key>", hook, name="hook"),
    path("webhooks/", webhook_list, name="webhooks"),
    path("webhooks/new/", new_webhook, name="new-webhook"),
    path("webhooks/try/", try_webhook, name="try-webhook"),
    path("webhooks/<int:webhook_id>/", webhook, name="webhook"),
    path("webhooks/<int:webhook_id>/secret/", webhook_secret, name="webhook-secret"),
    path("webhooks/<int:webhook_id>/delete/", delete_webhook, name="delete-webhook"),
    path("webhooks/<int:webhook_id>/requests/", webhook_requests, name="webhook-requests"),
    path(
        "webhooks/<int:webhook_id>/requests/<uuid:request_id>/",
        webhook_request,
        name="webhook-request",
    ),
    path(
        "webhooks/<int:webhook_id>/requests/<uuid:request_id>/replay/",
        replay_request,
        name="replay-request",
    ),
    path("chains/", chain_list, name="chains"),
    path("chains/new/", new_chain, name="new-chain"),
    path("chains/<int:chain_id>/", chain, name="chain"),
    path("chains/<int:chain_id>/delete/", delete_chain, name="delete-chain"),
    path("questions/", question_list, name="questions"),
    path("questions/live/", question_list_live, name="questions-live"),
    path("rail/<str:rail_number>/", rail_number, name="rail-number"),
    path("questions/<uuid:question_id>/", question, name="question"),
    path("questions/<uuid:question_id>/live/", question_live, name="question-live"),
    path("questions/<uuid:question_id>/take/", take_question, name="take-question"),
    path("questions/<uuid:question_id>/give-back/", give_back_question, name="give-back-question"),
    path("questions/<uuid:question_id>/assign/", assign_question, name="assign-question"),
    path("storage/", storage, name="storage"),
    path("storage/<int:collection_id>/", storage_collection, name="storage-collection"),
    path(
        "storage/<int:collection_id>/delete/",
        delete_storage_collection,
        name="delete-storage-collection",
    ),
    path("storage/signals/", signal_list, name="signals"),
    path("storage/signals/<int:signal_id>/", signal, name="signal"),
    path("storage/signals/<int:signal_id>/delete/", delete_signal, name="delete-signal"),
    path("storage/items/<int:item_id>/", storage_item, name="storage-item"),
    path("storage/items/<int:item_id>/delete/", delete_storage_item, name="delete-storage-item"),
    path("views/", saved_views, name="saved-views"),
    path("views/<int:view_id>/", saved_view, name="saved-view"),
    path("preferences/", preferences_page, name="preferences"),
    path("preferences/columns/", columns, name="columns"),
    path("preferences/zones/", zone_list, name="zones"),
    path("help/", help_page, name="help"),
    path("help/blocks/", help_blocks, name="help-blocks"),
    path("help/<slug:name>/", help_guide, name="help-guide"),
]
