package org.userload.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The scenarios of {@code benchmarks/floor} that are compared. */
enum FloorScenario {
    FAULT_TCP,
    FAULT_LOCAL,
    FAULT_SIGNAL,
    STREAM,
    STREAM_TOUCHER,
    DIRTY;

    private static final int PAGES_PER_MIB = 256;

    /** Where threads and processes run; see {@code benchmarks/floor/src/affinity.h}. */
    enum Pin {
        SAME,
        SPLIT,
        NONE;

        String option() {
            return name().toLowerCase(Locale.ROOT);
        }

        /** The CPU of the source process, or -1. */
        int sourceCpu() {
            return this == SAME ? 0 : this == SPLIT ? 1 : -1;
        }

        /** The CPU of every thread of the destination process, or -1. */
        int destinationCpu() {
            return this == SAME ? 0 : -1;
        }
    }

    /**
     * How large.
     *
     * @param faultPages pages of memory in the fault scenarios
     * @param warmup touches before the measured ones
     * @param touches measured touches
     * @param streamMib MiB of memory in the stream scenarios
     * @param dirtyMib MiB of memory in the scenario of dirty pages, 1 % of which are written in a round
     * @param dirtyRounds rounds of it
     */
    record Size(int faultPages, int warmup, int touches, int streamMib, int dirtyMib, int dirtyRounds) {
        static final Size FULL = new Size(128 * PAGES_PER_MIB, 2000, 20_000, 512, 1024, 50);
        static final Size QUICK = new Size(32 * PAGES_PER_MIB, 500, 5_000, 128, 128, 20);
    }

    boolean isStream() {
        return this == STREAM || this == STREAM_TOUCHER;
    }

    int pages(Size size) {
        return switch (this) {
            case FAULT_TCP, FAULT_LOCAL, FAULT_SIGNAL -> size.faultPages;
            case STREAM, STREAM_TOUCHER -> size.streamMib * PAGES_PER_MIB;
            case DIRTY -> size.dirtyMib * PAGES_PER_MIB;
        };
    }

    /** Arguments of the C program. */
    List<String> floorArguments(Size size, Pin pin) {
        List<String> arguments = new ArrayList<>();
        arguments.add(
                switch (this) {
                    case FAULT_TCP -> "fault-tcp";
                    case FAULT_LOCAL -> "fault-local";
                    case FAULT_SIGNAL -> "fault-signal";
                    case STREAM, STREAM_TOUCHER -> "stream";
                    case DIRTY -> "dirty";
                });
        if (this == STREAM_TOUCHER) {
            arguments.add("--toucher");
        }
        if (this == DIRTY) {
            arguments.addAll(List.of("--rounds", Integer.toString(size.dirtyRounds)));
        }
        if (this == FAULT_TCP || this == FAULT_LOCAL || this == FAULT_SIGNAL) {
            arguments.addAll(
                    List.of("--touches", Integer.toString(size.touches), "--warmup", Integer.toString(size.warmup)));
        }
        arguments.addAll(List.of("--pages", Integer.toString(pages(size)), "--pin", pin.option(), "--json"));
        return arguments;
    }

    String label() {
        return switch (this) {
            case FAULT_TCP -> "fault over TCP";
            case FAULT_LOCAL -> "fault, local";
            case FAULT_SIGNAL -> "fault by signal, over TCP";
            case STREAM -> "stream";
            case STREAM_TOUCHER -> "stream + toucher";
            case DIRTY -> "dirty pages";
        };
    }
}
