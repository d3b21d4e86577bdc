package org.userload.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The scenarios of {@code benchmarks/floor} that are compared. */
enum FloorScenario {
    FAULT_TCP,
    /** The same where Java waits adaptively, at both ends. */
    FAULT_ADAPTIVE,
    /** 16 threads that touch. */
    FAULT_MANY,
    FAULT_LOCAL,
    FAULT_SIGNAL,
    /** Small pages at both sides. */
    STREAM,
    /** Huge pages in Java; C copies as before. */
    STREAM_HUGE,
    STREAM_TOUCHER,
    /** A thread touches every page once. */
    STREAM_TOUCH_ALL,
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
        return switch (this) {
            case STREAM, STREAM_HUGE, STREAM_TOUCHER, STREAM_TOUCH_ALL -> true;
            case FAULT_TCP, FAULT_ADAPTIVE, FAULT_MANY, FAULT_LOCAL, FAULT_SIGNAL, DIRTY -> false;
        };
    }

    /** Threads that touch in the fault scenarios. */
    int touchers() {
        return this == FAULT_MANY ? 16 : 1;
    }

    /** Where nothing else is asked for. */
    Pin pin() {
        return isStream() || this == FAULT_ADAPTIVE || this == FAULT_MANY ? Pin.NONE : Pin.SAME;
    }

    int pages(Size size) {
        return switch (this) {
            case FAULT_TCP, FAULT_ADAPTIVE, FAULT_MANY, FAULT_LOCAL, FAULT_SIGNAL -> size.faultPages;
            case STREAM, STREAM_HUGE, STREAM_TOUCHER, STREAM_TOUCH_ALL -> size.streamMib * PAGES_PER_MIB;
            case DIRTY -> size.dirtyMib * PAGES_PER_MIB;
        };
    }

    /** Arguments of the C program. */
    List<String> floorArguments(Size size, Pin pin) {
        List<String> arguments = new ArrayList<>();
        arguments.add(
                switch (this) {
                    case FAULT_TCP, FAULT_ADAPTIVE, FAULT_MANY -> "fault-tcp";
                    case FAULT_LOCAL -> "fault-local";
                    case FAULT_SIGNAL -> "fault-signal";
                    case STREAM, STREAM_HUGE, STREAM_TOUCHER, STREAM_TOUCH_ALL -> "stream";
                    case DIRTY -> "dirty";
                });
        if (this == STREAM_TOUCHER) {
            arguments.add("--toucher");
        }
        if (this == STREAM_TOUCH_ALL) {
            arguments.add("--touch-all");
        }
        if (touchers() > 1) {
            arguments.addAll(List.of("--touchers", Integer.toString(touchers())));
        }
        if (this == DIRTY) {
            arguments.addAll(List.of("--rounds", Integer.toString(size.dirtyRounds)));
        }
        if (!isStream() && this != DIRTY) {
            arguments.addAll(
                    List.of("--touches", Integer.toString(size.touches), "--warmup", Integer.toString(size.warmup)));
        }
        arguments.addAll(List.of("--pages", Integer.toString(pages(size)), "--pin", pin.option(), "--json"));
        return arguments;
    }

    String label() {
        return switch (this) {
            case FAULT_TCP -> "fault over TCP";
            case FAULT_ADAPTIVE -> "fault over TCP, adaptive wait";
            case FAULT_MANY -> "fault over TCP, 16 threads";
            case FAULT_LOCAL -> "fault, local";
            case FAULT_SIGNAL -> "fault by signal, over TCP";
            case STREAM -> "stream, small pages";
            case STREAM_HUGE -> "stream, huge pages";
            case STREAM_TOUCHER -> "stream + toucher";
            case STREAM_TOUCH_ALL -> "stream + all touched";
            case DIRTY -> "dirty pages";
        };
    }
}
