"""The fifty faults that delivery must survive, and the test that makes each; or why it cannot be made here.

A test is named as ``file::name``, the file below ``tests/``. `test_catalogue` looks whether each is there.
"""

from typing import NamedTuple


class Known(NamedTuple):
    """One fault of the fifty."""

    number: int
    words: str
    tests: tuple[str, ...] = ()
    why_not: str = ""
    """What of it cannot be made here, and what stands in for it."""


STORM = "faults/test_chaos.py::test_a_storm_loses_nothing_and_doubles_nothing"
TOWN = "faults/test_simulator.py::test_ten_thousand_faults_lose_nothing"
HELD_BACK = "faults/test_network.py::test_a_link_that_holds_back_longer_than_the_keep_alive_is_left_and_made_anew"

FAULTS = (
    # Power and storage.
    Known(
        1,
        "power cut at any moment of insert, delete, checkpoint or migration",
        (
            "faults/test_power_cuts.py::test_a_station_keeps_every_promise_through_a_power_cut_at_any_call",
            "faults/test_power_cuts.py::test_a_migration_and_a_salvage_lose_nothing_whenever_the_power_goes",
            "faults/test_power_cuts.py::test_a_card_is_sealed_parted_and_taken_back_whole_whenever_the_power_goes",
            "faults/test_power_cuts.py::test_a_centre_keeps_every_receipt_through_a_power_cut_at_any_call",
            "faults/test_power_cuts.py::test_a_centre_s_migration_keeps_everything_whenever_the_power_goes",
        ),
        "a real power switch: recorded writes, replayed without any part that was not synced, stand in for it",
    ),
    Known(
        2,
        "a torn or short log, or none of its -shm",
        ("faults/test_storage.py::test_a_log_torn_anywhere_gives_the_beginning_of_what_was_written",),
    ),
    Known(
        3,
        "fsync fails with EIO",
        ("faults/test_storage.py::test_a_disk_whose_fsync_fails_is_never_told_to_have_recorded",),
    ),
    Known(
        4,
        "the disk is full",
        (
            "device/record/test_outbox.py::test_a_full_disk_refuses_keeps_what_it_has_and_goes_on_by_itself",
            "whole/test_adversity.py::test_a_full_disk_refuses_visibly_and_resumes_by_itself",
        ),
    ),
    Known(
        5,
        "no inode is left",
        ("faults/test_storage.py::test_a_card_without_inodes_takes_no_new_outbox_and_is_named",),
    ),
    Known(
        6,
        "the card is mounted read-only",
        (
            "device/record/test_outbox.py::test_a_read_only_folder_is_out_of_order_and_goes_on_by_itself",
            "whole/test_adversity.py::test_a_read_only_state_folder_is_out_of_order_and_ends_by_itself",
        ),
        "a remount under an open file, which only the kernel does by itself when a card fails: tests remount before",
    ),
    Known(
        7,
        "a card whose every fsync is slow",
        ("faults/test_storage.py::test_a_slow_card_slows_the_station_and_loses_nothing",),
    ),
    Known(
        8,
        "flipped bits in a page of the outbox",
        (
            "device/record/test_outbox.py::test_a_page_damaged_under_a_running_station_is_out_of_order_and_then_a_new_file",
            "device/record/test_outbox.py::test_a_damaged_file_is_set_aside_under_a_dated_name",
            "device/record/test_recovery.py::test_flipped_bits_cost_only_the_rows_that_they_are_in",
            "device/record/test_recovery.py::test_a_flipped_bit_in_the_log_costs_only_the_rows_that_it_is_in",
            "device/record/test_recovery.py::test_one_false_row_is_left_out_and_counted_once_and_for_ever",
        ),
    ),
    Known(
        9,
        "a card swapped, cloned or restored: the same stream twice",
        ("faults/test_storage.py::test_a_cloned_card_in_a_second_station_loses_nothing_and_doubles_nothing", TOWN),
    ),
    Known(
        10,
        "a medium that lied about its fsync: a place used twice",
        (
            "central/store/test_store.py::test_two_events_in_one_place_are_both_kept_and_counted_as_a_clash",
            "faults/test_power_cuts.py::test_with_synchronous_normal_events_are_lost",
        ),
    ),
    Known(11, "the log's partition is full", ("faults/test_storage.py::test_a_full_log_partition_stops_nothing",)),
    # Network.
    Known(12, "a reset in mid-stream", ("faults/test_network.py::test_a_reset_in_mid_stream_is_weather", STORM)),
    Known(13, "a black hole for longer than the keep-alive", (HELD_BACK,)),
    Known(14, "half-open, with the send buffer full", (HELD_BACK,)),
    Known(
        15,
        "200 ms of delay and a fifth of all packets lost",
        (HELD_BACK,),
        "loss of packets needs a kernel with netem: a program sees it as delay, and the relay makes that",
    ),
    Known(
        16,
        "no name server, or a wrong one",
        (
            "faults/test_network.py::test_a_name_that_no_name_server_knows_is_weather_in_one_sentence",
            "device/delivery/test_courier.py::test_a_broker_that_cannot_be_reached_is_weather_told_in_one_sentence",
        ),
    ),
    Known(17, "a captive portal", ("faults/test_network.py::test_a_captive_portal_is_no_broker_and_no_receipt",)),
    Known(
        18,
        "the broker's address changes",
        ("faults/test_network.py::test_a_broker_that_moved_to_another_address_is_found_by_its_name",),
    ),
    Known(
        19,
        "a path that swallows large packets",
        ("faults/test_network.py::test_a_path_that_lets_only_small_packets_through_delivers_when_it_is_mended",),
    ),
    Known(
        20,
        "a week without a network, then a drain while people are decided",
        ("faults/test_network.py::test_a_week_s_backlog_drains_in_order_while_people_go_on_being_decided",),
    ),
    # Broker.
    Known(
        21,
        "killed",
        ("device/delivery/test_courier.py::test_a_killed_broker_is_weather_and_everything_arrives_after_it", STORM),
    ),
    Known(22, "started again with nothing in its memory", (STORM,)),
    Known(23, "restored from an old snapshot, old receipts among it", (STORM, TOWN)),
    Known(
        24,
        "its queue is full: acknowledged, and dropped",
        ("faults/test_brokers.py::test_what_the_broker_s_queue_dropped_comes_again",),
    ),
    Known(25, "nobody is subscribed", ("faults/test_brokers.py::test_what_no_subscriber_wanted_is_kept",)),
    Known(
        26,
        "its ACL is changed in mid-stream",
        ("faults/test_brokers.py::test_an_acl_taken_away_in_mid_stream_is_said_and_loses_nothing", STORM),
    ),
    Known(
        27,
        "it stalls, and its socket stays open",
        (
            "faults/test_brokers.py::test_a_broker_that_stalls_with_its_socket_open_is_left",
            "device/delivery/test_courier.py::test_a_broker_that_takes_the_connection_and_says_nothing_is_given_up",
        ),
    ),
    Known(
        28,
        "duplicates, in another order",
        ("central/store/test_store.py::test_whatever_the_order_the_duplication_and_the_batching",),
    ),
    Known(
        29,
        "somebody takes a station's client id",
        (
            "faults/test_brokers.py::test_a_station_whose_name_is_taken_comes_back_and_loses_nothing",
            "house/test_examples.py::test_nobody_takes_anothers_place_by_its_client_id",
        ),
    ),
    Known(
        30,
        "a second broker of the same name",
        ("faults/test_network.py::test_a_second_broker_of_the_same_name_gets_no_promise",),
    ),
    Known(
        31,
        "the broker's certificate is expired, not yet valid, or another authority's",
        (
            "faults/test_brokers.py::test_a_certificate_out_of_its_time_is_no_link_and_is_said",
            "house/test_examples.py::test_a_station_does_not_speak_with_a_broker_of_another_authority",
        ),
    ),
    Known(
        32,
        "the station's own certificate is expired or revoked",
        (
            "faults/test_brokers.py::test_a_certificate_out_of_its_time_is_no_link_and_is_said",
            "house/test_examples.py::test_the_certificates_script_lets_in_and_its_revocation_shuts_out",
        ),
    ),
    # Collector.
    Known(
        33,
        "killed between its commit and its receipt",
        ("central/test_centre.py::test_a_receipt_is_a_row_that_survives_kill_9", STORM),
    ),
    Known(
        34,
        "killed before its commit",
        ("central/store/test_store.py::test_a_turn_that_breaks_off_leaves_nothing_behind", STORM),
    ),
    Known(
        35,
        "its database is full or away",
        (
            "central/test_centre.py::test_a_full_disk_is_said_receipts_nothing_and_heals_by_itself",
            "central/test_centre.py::test_a_database_moved_away_ends_the_centre_without_a_receipt",
        ),
    ),
    Known(
        36,
        "two collectors at once",
        ("faults/test_processes.py::test_two_collectors_at_once_hold_everything_between_them",),
    ),
    Known(
        37,
        "restored from a backup",
        (
            STORM,
            "central/broker/test_recall.py::test_a_centre_restored_from_an_older_backup_gets_everything_again_from_a_real_station",
        ),
    ),
    Known(
        38,
        "a receipt for an unknown stream, beyond what was sent, or forged",
        (
            "device/delivery/test_courier.py::test_a_receipt_that_does_not_fit_is_passed_over_and_a_fitting_one_still_counts",
            "device/record/test_outbox.py::test_a_receipt_that_does_not_fit_forgets_nothing",
            "house/test_examples.py::test_a_station_may_write_its_own_words_and_nobody_elses",
        ),
    ),
    Known(
        39,
        "an event that cannot be read",
        (
            "central/store/test_store.py::test_what_cannot_be_read_is_quarantined_whole_and_once",
            "central/test_centre.py::test_garbage_and_a_foreign_source_are_quarantined_and_answered",
            "device/delivery/test_courier.py::test_what_the_centre_could_not_read_but_holds_is_forgotten",
        ),
    ),
    # Process and time.
    Known(
        40,
        "SIGKILL at any instruction",
        (STORM, "whole/test_whole.py::test_kills_of_station_broker_and_centre_lose_nothing_and_double_nothing"),
    ),
    Known(
        41,
        "out of memory",
        (STORM,),
        "a cgroup with a limit of its own: the kernel ends a process with SIGKILL then, which the storm sends",
    ),
    Known(
        42,
        "a callback raises",
        ("device/system/test_watchdog.py::test_a_dead_worker_stops_the_heart_and_is_named_with_its_cause",),
    ),
    Known(
        43,
        "the network's thread is dead, and nobody noticed",
        ("device/system/test_watchdog.py::test_a_dead_worker_stops_the_heart_and_is_named_with_its_cause",),
    ),
    Known(44, "a deadlock", ("whole/test_adversity.py::test_a_hung_loop_is_not_called_alive",)),
    Known(
        45,
        "a leak of file descriptors",
        ("faults/test_processes.py::test_a_hundred_sessions_leave_no_open_file_behind",),
    ),
    Known(
        46,
        "a clock of 1970, ten years ahead, or an hour back during a drain",
        (
            "faults/test_processes.py::test_a_clock_that_jumps_while_a_backlog_drains_forgets_nothing_that_is_owed",
            "device/record/test_event.py::test_the_clock_is_trusted_by_its_marks_alone",
            TOWN,
        ),
    ),
    Known(
        47,
        "the clock steps between decision and sending",
        ("faults/test_processes.py::test_an_event_says_the_time_of_its_decision_whenever_it_is_sent", TOWN),
    ),
    Known(
        48,
        "a newer or older program on a full outbox",
        (
            "device/record/test_outbox.py::test_a_file_of_another_program_or_a_later_version_is_left_alone",
            "device/record/test_outbox.py::test_a_file_of_version_1_becomes_version_2_with_everything_in_it",
        ),
    ),
    Known(
        49,
        "two instances on one outbox",
        (
            "faults/test_processes.py::test_two_instances_on_one_outbox_lose_nothing_and_double_nothing",
            "device/record/test_outbox.py::test_a_second_station_on_the_same_file_records_nothing_until_the_first_ends",
        ),
    ),
    Known(
        50,
        "seven stations wake at once after a power cut",
        ("faults/test_processes.py::test_seven_stations_that_wake_at_once_after_a_power_cut_deliver_everything",),
        "seven thousand of them: they fit on no machine here; the pauses are drawn at random",
    ),
)
