package org.userload.support;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/** Daemon threads whose results and errors reach the test. */
public final class Threads {
    private Threads() {}

    /** Starts a thread. */
    public static <T> FutureTask<T> start(Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        Thread thread = new Thread(task, "test-thread");
        thread.setDaemon(true);
        thread.start();
        return task;
    }

    public static <T> List<FutureTask<T>> start(int count, Callable<T> work) {
        List<FutureTask<T>> tasks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            tasks.add(start(work));
        }
        return tasks;
    }

    /** Waits for a thread's result; its exception is thrown here. */
    public static <T> T join(FutureTask<T> task, int seconds) throws Exception {
        try {
            return task.get(seconds, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            if (e.getCause() instanceof Error cause) {
                throw cause;
            }
            throw e;
        } catch (TimeoutException e) {
            throw new AssertionError("a thread has not ended within " + seconds + " s", e);
        }
    }

    /** What a thread threw, within some seconds. */
    public static Throwable failure(FutureTask<?> task, int seconds) throws InterruptedException {
        try {
            Object result = task.get(seconds, TimeUnit.SECONDS);
            throw new AssertionError("no exception, but the result " + result);
        } catch (ExecutionException e) {
            return e.getCause();
        } catch (TimeoutException e) {
            throw new AssertionError("a thread has not ended within " + seconds + " s", e);
        }
    }

    /** How many threads are in a method that was called, however deep, by a class. */
    public static long inside(Class<?> caller, String method) {
        return Thread.getAllStackTraces().values().stream()
                .filter(stack -> {
                    List<StackTraceElement> frames = Arrays.asList(stack);
                    return frames.stream()
                                    .anyMatch(frame -> frame.getMethodName().equals(method))
                            && frames.stream()
                                    .anyMatch(frame -> frame.getClassName().equals(caller.getName()));
                })
                .count();
    }

    /** Waits until something holds. */
    public static void await(String what, int seconds, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("not within " + seconds + " s: " + what);
            }
            Thread.sleep(2);
        }
    }
}
