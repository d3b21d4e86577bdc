package org.userload.transport;

import io.netty.channel.IoEventLoop;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SelectStrategyFactory;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.FastThreadLocalThread;
import io.netty.util.concurrent.Future;
import java.nio.channels.spi.SelectorProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.userload.linux.CpuAffinity;
import org.userload.linux.NativeException;
import org.userload.linux.TimerSlack;

/**
 * The named single-threaded event loops of one side. Owns them: {@link #close} ends every thread.
 *
 * <p>Epoll where Netty's native transport loads, NIO elsewhere; the userfaultfd interceptor needs epoll. Threads
 * of epoll loops have no timer slack.
 */
public final class EventLoops implements AutoCloseable {
    private final List<MultiThreadIoEventLoopGroup> groups = new ArrayList<>();
    private final List<IoHandler> handlers = new ArrayList<>();

    /** Whether loops of this JVM use epoll. */
    public static boolean isEpoll() {
        return Epoll.isAvailable();
    }

    /** Why they do not, for people. */
    public static String whyNotEpoll() {
        Throwable cause = Epoll.unavailabilityCause();
        return cause == null ? "" : String.valueOf(cause.getMessage());
    }

    /** Starts a loop with one daemon thread of this name, on any CPU, sleeping while nothing is to be done. */
    public IoEventLoop start(String name) {
        return start(name, -1, WaitPolicy.BLOCK);
    }

    /**
     * As {@link #start(String)}, placed.
     *
     * @param loop the number of the loop among those that the placement is for
     * @param servesFaults whether it waits as the placement says
     * @throws IllegalArgumentException when the CPU is not there or not allowed
     */
    public IoEventLoop start(String name, Placement placement, int loop, boolean servesFaults) {
        return start(name, placement.cpuOf(loop), servesFaults ? placement.waiting() : WaitPolicy.BLOCK);
    }

    private synchronized IoEventLoop start(String name, int cpu, WaitPolicy waiting) {
        SelectStrategyFactory strategies = WaitStrategy.factoryOf(waiting);
        IoHandlerFactory factory = isEpoll()
                ? EpollIoHandler.newFactory(0, strategies)
                : NioIoHandler.newFactory(SelectorProvider.provider(), strategies);
        ThreadFactory named = work -> thread(name, work);
        MultiThreadIoEventLoopGroup group = new MultiThreadIoEventLoopGroup(1, named, executor -> {
            IoHandler handler = factory.newHandler(executor);
            handlers.add(handler);
            return handler;
        });
        groups.add(group);
        IoEventLoop started = group.next();
        if (cpu >= 0) {
            pin(started, cpu);
        }
        return started;
    }

    private static void pin(IoEventLoop loop, int cpu) {
        Future<?> pinned = loop.submit(() -> CpuAffinity.pinCurrentThread(cpu)).awaitUninterruptibly();
        if (pinned.cause() instanceof NativeException e) {
            throw new IllegalArgumentException(
                    "CPU " + cpu + " is not there, or not allowed to this process: " + e.getMessage(), e);
        }
    }

    private static Thread thread(String name, Runnable work) {
        Thread thread = new FastThreadLocalThread(isEpoll() ? () -> runOnTime(work) : work, name);
        thread.setDaemon(true);
        return thread;
    }

    /** Epoll waits with a timeout, and the kernel would make each 50 us longer. */
    private static void runOnTime(Runnable work) {
        TimerSlack.leastForCurrentThread();
        work.run();
    }

    /** Ends every loop and waits until their threads are gone. Not from a loop. Idempotent. */
    @Override
    public synchronized void close() {
        closeChannels();
        List<Future<?>> ends = new ArrayList<>();
        for (MultiThreadIoEventLoopGroup group : groups) {
            ends.add(group.shutdownGracefully(0, 2, TimeUnit.SECONDS));
        }
        for (Future<?> end : ends) {
            end.awaitUninterruptibly(5, TimeUnit.SECONDS);
        }
        groups.clear();
        handlers.clear();
    }

    /**
     * Closes what is registered, on each loop. A loop that is told to end does so by itself, but not when it is told at
     * the wrong moment of its round: then its sockets would stay open for ever.
     */
    private void closeChannels() {
        List<Future<?>> closes = new ArrayList<>();
        for (int i = 0; i < groups.size(); i++) {
            closes.add(groups.get(i).submit(handlers.get(i)::prepareToDestroy));
        }
        for (Future<?> close : closes) {
            close.awaitUninterruptibly(2, TimeUnit.SECONDS);
        }
    }
}
