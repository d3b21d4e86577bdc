package org.userload.support;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import org.userload.migration.Guest;

/** A guest that does nothing but know whether it runs; guests of one {@link Census} never run two at a time. */
public class CountingGuest implements Guest {
    private final Census census;
    private boolean running;
    private String state;
    private int resumes;

    /** How many guests run, and the most that ever did. */
    public static final class Census {
        private final AtomicInteger running = new AtomicInteger();
        private final AtomicInteger most = new AtomicInteger();

        public int running() {
            return running.get();
        }

        public int most() {
            return most.get();
        }
    }

    public CountingGuest(Census census, String state) {
        this.census = census;
        this.state = state;
    }

    @Override
    public synchronized void pause() {
        if (running) {
            running = false;
            census.running.decrementAndGet();
        }
    }

    @Override
    public synchronized byte[] saveCpuState() {
        return state.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public synchronized void restoreCpuState(byte[] saved) {
        String text = new String(saved, StandardCharsets.UTF_8);
        if (text.startsWith("unfit")) {
            throw new IllegalArgumentException("this state does not fit");
        }
        state = text;
    }

    @Override
    public synchronized void resume() {
        if (!running) {
            running = true;
            resumes++;
            census.most.accumulateAndGet(census.running.incrementAndGet(), Math::max);
        }
    }

    public synchronized boolean isRunning() {
        return running;
    }

    public synchronized int resumes() {
        return resumes;
    }

    public synchronized String state() {
        return state;
    }
}
