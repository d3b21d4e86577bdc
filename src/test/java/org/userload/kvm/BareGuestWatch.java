package org.userload.kvm;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Counts what bare guests report, on whatever machine they are. */
final class BareGuestWatch implements MachineListener {
    private final LongAdder reports = new LongAdder();
    private final LongAdder checks = new LongAdder();
    private final ConcurrentLinkedQueue<Integer> console = new ConcurrentLinkedQueue<>();
    private final AtomicReference<@Nullable String> failure = new AtomicReference<>();

    @Override
    public void portWritten(int cpu, int port, int value) {
        if (value == BareGuestLayout.REPORT_PROGRESS) {
            reports.increment();
        } else if (value == BareGuestLayout.REPORT_CHECKED) {
            checks.increment();
        } else {
            failure.compareAndSet(null, "CPU " + cpu + " reports " + value);
        }
    }

    @Override
    public void console(int value) {
        console.add(value);
    }

    @Override
    public void failed(int cpu, String why) {
        failure.compareAndSet(null, why);
    }

    long reports() {
        return reports.sum();
    }

    long checks() {
        return checks.sum();
    }

    String console() {
        StringBuilder text = new StringBuilder();
        console.forEach(value -> text.append((char) value.intValue()));
        return text.toString();
    }

    @Nullable
    String failure() {
        return failure.get();
    }
}
