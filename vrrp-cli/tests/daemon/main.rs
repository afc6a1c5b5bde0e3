//! The real vrrpd on real kernels: what users write works as it is written, what is wrong does nothing, and nothing is
//! left behind.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)] // a failure here is the failure of a test

#[path = "../support/mod.rs"]
mod support;

mod elections;
mod life;
mod logs;
mod mistakes;
mod ordeals;
mod reload;
mod scripts;

use std::process::ExitCode;

use vrrp_net::lab::harness;

fn main() -> ExitCode {
    harness::main(&[
        ("a_better_router_waits_for_preempt_delay", elections::a_better_router_waits_for_preempt_delay),
        ("addresses_carry_their_labels", elections::addresses_carry_their_labels),
        ("an_owner_is_master_at_once", elections::an_owner_is_master_at_once),
        ("mutual_backup_hands_over_what_fails", elections::mutual_backup_hands_over_what_fails),
        ("nopreempt_leaves_the_master_alone", elections::nopreempt_leaves_the_master_alone),
        ("strict_drops_the_password", elections::strict_drops_the_password),
        ("unicast_among_three_may_list_itself", elections::unicast_among_three_may_list_itself),
        ("unicast_passes_a_router", elections::unicast_passes_a_router),
        (
            "a_lower_master_is_told_to_the_one_that_hears_it",
            scripts::a_lower_master_is_told_to_the_one_that_hears_it,
        ),
        ("a_notify_may_stop_the_daemon", scripts::a_notify_may_stop_the_daemon),
        ("a_script_can_be_shell", scripts::a_script_can_be_shell),
        ("a_script_may_stop_the_daemon", scripts::a_script_may_stop_the_daemon),
        ("a_script_that_vanishes_has_failed", scripts::a_script_that_vanishes_has_failed),
        ("a_weight_moves_the_master", scripts::a_weight_moves_the_master),
        ("killall_finds_a_process", scripts::killall_finds_a_process),
        ("only_packets_are_in_real_time", scripts::only_packets_are_in_real_time),
        ("scripts_inherit_nothing", scripts::scripts_inherit_nothing),
        ("the_first_process_buries_orphans", scripts::the_first_process_buries_orphans),
        ("notifies_come_in_order_with_their_arguments", scripts::notifies_come_in_order_with_their_arguments),
        ("a_daemon_detaches_and_is_the_only_one", life::a_daemon_detaches_and_is_the_only_one),
        ("a_keepalived_that_runs_is_seen", life::a_keepalived_that_runs_is_seen),
        ("a_link_named_keepalived_is_keepalived", life::a_link_named_keepalived_is_keepalived),
        ("a_network_namespace_can_be_named", life::a_network_namespace_can_be_named),
        ("a_panic_ends_the_daemon_cleanly", life::a_panic_ends_the_daemon_cleanly),
        ("a_notify_that_hangs_does_not_hold_up_the_end", life::a_notify_that_hangs_does_not_hold_up_the_end),
        (
            "a_panic_of_the_main_thread_ends_the_daemon_cleanly",
            life::a_panic_of_the_main_thread_ends_the_daemon_cleanly,
        ),
        ("one_file_has_one_daemon", life::one_file_has_one_daemon),
        ("after_a_bug_the_addresses_are_removed", life::after_a_bug_the_addresses_are_removed),
        ("leftovers_of_a_killed_daemon_are_removed", life::leftovers_of_a_killed_daemon_are_removed),
        ("signals_for_dumps_do_no_harm", life::signals_for_dumps_do_no_harm),
        ("systemd_hears_how_it_goes", life::systemd_hears_how_it_goes),
        ("without_the_right_it_says_so", life::without_the_right_it_says_so),
        ("syslog_hears_keepalived_s_idents", logs::syslog_hears_keepalived_s_idents),
        ("syslog_hears_what_a_stuck_console_does_not", logs::syslog_hears_what_a_stuck_console_does_not),
        ("the_journal_gets_severities", logs::the_journal_gets_severities),
        ("a_good_file_passes_every_test", mistakes::a_good_file_passes_every_test),
        ("the_host_s_own_address_is_noticed", mistakes::the_host_s_own_address_is_noticed),
        ("bad_files_do_nothing", mistakes::bad_files_do_nothing),
        (
            "a_master_that_was_stopped_for_a_while_is_one_of_one",
            ordeals::a_master_that_was_stopped_for_a_while_is_one_of_one,
        ),
        ("a_storm_of_reloads_is_not_felt", ordeals::a_storm_of_reloads_is_not_felt),
        (
            "an_address_that_every_kernel_refuses_leaves_one_master",
            ordeals::an_address_that_every_kernel_refuses_leaves_one_master,
        ),
        (
            "an_address_that_one_kernel_refuses_leaves_one_master",
            ordeals::an_address_that_one_kernel_refuses_leaves_one_master,
        ),
        (
            "an_interface_that_gets_another_name_is_a_fault",
            ordeals::an_interface_that_gets_another_name_is_a_fault,
        ),
        ("a_bad_reload_changes_nothing", reload::a_bad_reload_changes_nothing),
        ("a_reload_that_finds_no_instance_is_doubted", reload::a_reload_that_finds_no_instance_is_doubted),
        ("a_reload_that_breaks_leaves_a_configuration", reload::a_reload_that_breaks_leaves_a_configuration),
        ("a_reload_changes_what_changed", reload::a_reload_changes_what_changed),
        (
            "an_identical_reload_writes_nothing_to_the_kernel",
            reload::an_identical_reload_writes_nothing_to_the_kernel,
        ),
        ("included_files_count", reload::included_files_count),
    ])
}
