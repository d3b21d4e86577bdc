package org.userload.migration;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Slows a guest down by stopping it for a part of every {@value #PERIOD_MILLIS} ms, in a thread of its own.
 *
 * <p><b>Threads.</b> One thread sets and closes. While it is open nobody else may pause or resume the guest; after
 * {@link #close} the guest runs at its full speed.
 */
final class GuestThrottle implements AutoCloseable {
    private static final int PERIOD_MILLIS = 10;

    private final Guest guest;
    private volatile int percent;
    private volatile boolean over;
    private volatile @Nullable RuntimeException failure;
    private @Nullable Thread thread;

    GuestThrottle(Guest guest) {
        this.guest = guest;
    }

    /** @param stopped part of its time in which the guest stands still, 0 to 99 percent */
    void set(int stopped) {
        percent = stopped;
        if (thread == null && stopped > 0) {
            Thread started = new Thread(this::run, "userload-throttle");
            started.setDaemon(true);
            started.start();
            thread = started;
        }
    }

    private void run() {
        try {
            while (!over) {
                long stopped = TimeUnit.MILLISECONDS.toNanos(PERIOD_MILLIS) * percent / 100;
                guest.pause();
                sleep(stopped);
                guest.resume();
                sleep(TimeUnit.MILLISECONDS.toNanos(PERIOD_MILLIS) - stopped);
            }
        } catch (RuntimeException e) {
            failure = e;
        }
    }

    private void sleep(long nanos) {
        long end = System.nanoTime() + nanos;
        long left = nanos;
        while (left > 0 && !over) {
            LockSupport.parkNanos(this, left);
            left = end - System.nanoTime();
        }
    }

    /**
     * The guest runs on unthrottled. Idempotent.
     *
     * @throws IllegalStateException when the guest could not be paused or resumed meanwhile
     */
    @Override
    public void close() {
        over = true;
        Thread running = thread;
        thread = null;
        if (running == null) {
            return;
        }
        LockSupport.unpark(running);
        boolean interrupted = false;
        while (running.isAlive()) {
            try {
                running.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        RuntimeException problem = failure;
        if (problem != null) {
            throw new IllegalStateException("the guest cannot be throttled: " + problem.getMessage(), problem);
        }
    }
}
