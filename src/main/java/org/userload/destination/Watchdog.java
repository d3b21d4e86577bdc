package org.userload.destination;

import io.netty.channel.IoEventLoop;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Fails a session whose source has gone silent: pages are awaited, because they were asked for or because the stream was
 * started, and nothing has come within the deadline. Runs on the fault loop, a few times per deadline.
 */
final class Watchdog {
    private static final int CHECKS_PER_DEADLINE = 10;

    private final long deadlineNanos;
    private final DemandPager pager;
    private final StreamIntake stream;
    private final PageInstaller installer;
    private final Consumer<Throwable> onSilence;
    private long lastRemaining = -1;
    private long progressNanos;

    Watchdog(
            Duration deadline,
            DemandPager pager,
            StreamIntake stream,
            PageInstaller installer,
            Consumer<Throwable> onSilence) {
        this.deadlineNanos = deadline.toNanos();
        this.pager = pager;
        this.stream = stream;
        this.installer = installer;
        this.onSilence = onSilence;
    }

    void start(IoEventLoop faultLoop) {
        long period = Math.max(deadlineNanos / CHECKS_PER_DEADLINE, 1);
        faultLoop.scheduleAtFixedRate(this::check, period, period, TimeUnit.NANOSECONDS);
    }

    private void check() {
        long now = System.nanoTime();
        long waited = pager.oldestWaitNanos(now);
        if (waited > deadlineNanos) {
            onSilence.accept(silence(waited, pager.examplePending() + " was asked for"));
            return;
        }
        long remaining = installer.remaining();
        // Between rounds the source may have nothing to send; its death is told by its connections.
        if (remaining != lastRemaining || !stream.isEverythingAsked() || installer.isInRounds()) {
            lastRemaining = remaining;
            progressNanos = now;
        } else if (now - progressNanos > deadlineNanos) {
            onSilence.accept(silence(now - progressNanos, remaining + " pages are missing"));
        }
    }

    private static SourceLostException silence(long nanos, String what) {
        return new SourceLostException(
                "the source has sent nothing for " + TimeUnit.NANOSECONDS.toMillis(nanos) + " ms while " + what, null);
    }
}
