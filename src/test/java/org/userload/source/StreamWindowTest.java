package org.userload.source;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The stream's window on simulated links. */
@Timeout(60)
class StreamWindowTest {
    private static final int GRANTED = 1024;
    private static final long MICRO = 1_000;
    private static final long MILLI = 1_000_000;

    @ParameterizedTest
    @CsvSource({
        "1e8,  200",
        "1e8,  500",
        "1e8,  0",
        "1e9,  200",
        "1e9,  0",
        "1e9,  1000",
        "1e10, 200",
        "1e10, 50",
        "2.5e10, 50",
    })
    void linkIsFull_andAnUrgentPageWaitsAboutAMillisecondAtMost(double bitsPerSecond, long roundTripMicros) {
        SimulatedStream stream = new SimulatedStream(bitsPerSecond, roundTripMicros * MICRO, GRANTED);
        stream.run(50 * MILLI);
        stream.measureFromHere();
        stream.run(12_000 * MILLI);
        assertThat(stream.utilisation()).isGreaterThan(0.9);
        long threePagesMicros = Math.round(3 * 4318 * 8e6 / bitsPerSecond);
        assertThat(stream.longestQueueMicros()).isLessThan(Math.max(700, threePagesMicros + 1));
    }

    @ParameterizedTest
    @CsvSource({"1e8, 200", "1e9, 200", "1e10, 200"})
    void lateAcknowledgements_keepNeitherTheLinkIdle_norTheQueueLong(double bitsPerSecond, long roundTripMicros) {
        SimulatedStream stream = new SimulatedStream(bitsPerSecond, roundTripMicros * MICRO, GRANTED);
        stream.jitter(100 * MICRO);
        stream.run(50 * MILLI);
        stream.measureFromHere();
        stream.run(12_000 * MILLI);
        assertThat(stream.utilisation()).isGreaterThan(0.9);
        assertThat(stream.longestQueueMicros()).isLessThan(1200);
    }

    @ParameterizedTest
    @CsvSource({
        // Whether the transport tells of the path, bit/s, round trip us, turns of others us and their share,
        // utilisation
        "false, 1e9,  200, 500,  0.5, 0.6",
        "false, 1e9,  200, 3000, 0.5, 0.4",
        "false, 1e9,  200, 3000, 0.9, 0.07",
        "false, 1e10, 50,  3000, 0.5, 0.4",
        "false, 1e10, 50,  3000, 0.9, 0.07",
        "true,  1e9,  200, 500,  0.5, 0.9",
        "true,  1e9,  200, 3000, 0.5, 0.5",
        "true,  1e9,  200, 3000, 0.9, 0.3",
        "true,  1e10, 50,  3000, 0.5, 0.5",
        "true,  1e10, 50,  3000, 0.9, 0.15",
    })
    void threadThatIsLate_isNotTakenForAQueue(
            boolean told, double bitsPerSecond, long roundTripMicros, long turnMicros, double share, double least) {
        SimulatedStream stream =
                new SimulatedStream(bitsPerSecond, roundTripMicros * MICRO, GRANTED).transportTells(told);
        stream.run(50 * MILLI);
        stream.turnsOfOthers(turnMicros * MICRO, share);
        for (int i = 0; i < 10; i++) {
            stream.measureFromHere();
            stream.run(1_000 * MILLI);
            assertThat(stream.utilisation()).as("second " + i).isGreaterThan(least);
        }
        stream.turnsOfOthers(0, 0);
        stream.run(1_000 * MILLI);
        stream.measureFromHere();
        stream.run(4_000 * MILLI);
        assertThat(stream.utilisation()).isGreaterThan(0.9);
        assertThat(stream.longestQueueMicros()).isLessThan(1000);
    }

    @Test
    void threadThatIsAlwaysLate_fillsTheLinkAllTheSame() {
        SimulatedStream stream = new SimulatedStream(1e9, 200 * MICRO, GRANTED);
        stream.run(50 * MILLI);
        stream.turnsOfOthers(2 * MILLI, 1);
        stream.run(500 * MILLI);
        stream.measureFromHere();
        stream.run(10_000 * MILLI);
        assertThat(stream.utilisation()).isGreaterThan(0.9);
    }

    /** A link without a round trip is still a link. */
    @Test
    void start_isNotALongQueue_alsoWhereTheLinkHasNoRoundTrip() {
        SimulatedStream stream = new SimulatedStream(1e8, 0, GRANTED).transportTells(true);
        stream.run(1_000 * MILLI);
        assertThat(stream.longestQueueMicros()).isLessThan(3_000);
        stream.leaveRoom(false);
        assertThat(stream.window().pages()).isEqualTo(GRANTED);
    }

    @Test
    void withinAHost_theWindowIsWhatTheCacheHolds_fromTheBeginning() {
        StreamWindow window = new StreamWindow(GRANTED, 0);
        window.emptyPath(0, 0);
        window.isWithinHost();
        assertThat(window.pages()).isEqualTo(StreamWindow.SHALLOW_PAGES);
        window.leaveRoom(false, 0);
        assertThat(window.pages()).isEqualTo(StreamWindow.SHALLOW_PAGES);
    }

    @Test
    void withinAHost_twoBlocksAreOnTheirWay_butNoMoreSmallFramesThanBefore() {
        StreamWindow window = new StreamWindow(GRANTED, 0);
        window.isWithinHost();
        assertThat(window.takesBlocks()).isTrue();
        window.sent(StreamDepth.BLOCK_PAGES, 0);
        assertThat(window.hasRoomForBlock()).isTrue();
        assertThat(window.hasRoom()).as("for a small frame").isFalse();
        window.sent(StreamDepth.BLOCK_PAGES, 0);
        assertThat(window.hasRoomForBlock()).isFalse();
        window.acknowledged(StreamDepth.BLOCK_PAGES, 0, 1_000);
        assertThat(window.hasRoomForBlock()).isTrue();
    }

    @Test
    void withinAHost_thereAreNoBlocks_inAWindowOfLessThanTwo() {
        StreamWindow window = new StreamWindow(2 * StreamDepth.BLOCK_PAGES - 1, 0);
        window.isWithinHost();
        assertThat(window.takesBlocks()).isFalse();
    }

    /** Round trip and rate make the window; an urgent page may have a block in front of it there, an eighth of what is sent. */
    @ParameterizedTest
    @CsvSource({"1e8, 200, false", "1e10, 200, false", "2.5e10, 1000, false", "1e11, 2000, true"})
    void onALink_blocksAreSent_onlyWhereTheWindowIsEightOfThem(
            double bitsPerSecond, long roundTripMicros, boolean expected) {
        SimulatedStream stream = new SimulatedStream(bitsPerSecond, roundTripMicros * MICRO, 1 << 20);
        stream.run(500 * MILLI);
        assertThat(stream.window().takesBlocks()).isEqualTo(expected);
    }

    @Test
    void whileNothingUrgentCanCome_theWholeGrantIsOnItsWay() {
        SimulatedStream stream = new SimulatedStream(1e9, 200 * MICRO, GRANTED);
        stream.leaveRoom(false);
        assertThat(stream.window().pages()).isEqualTo(GRANTED);
        stream.run(100 * MILLI);
        assertThat(stream.window().pages()).isEqualTo(GRANTED);
        stream.leaveRoom(true);
        stream.run(100 * MILLI);
        stream.measureFromHere();
        stream.run(100 * MILLI);
        assertThat(stream.utilisation()).isGreaterThan(0.9);
        assertThat(stream.longestQueueMicros()).isLessThan(1000);
    }

    @ParameterizedTest
    @CsvSource({"true", "false"})
    void whenUrgentPagesMayCome_theLinkIsFullAtOnce_withoutALongQueue(boolean told) {
        SimulatedStream stream = new SimulatedStream(1e9, 10 * MILLI, GRANTED).transportTells(told);
        stream.leaveRoom(false);
        stream.run(500 * MILLI);
        stream.leaveRoom(true);
        stream.run(40 * MILLI);
        stream.measureFromHere();
        stream.run(40 * MILLI);
        assertThat(stream.utilisation()).isGreaterThan(0.9);
        assertThat(stream.longestQueueMicros()).isLessThan(6_000);
    }

    @Test
    void start_fillsTheLinkWithinSomeRoundTrips() {
        SimulatedStream stream = new SimulatedStream(1e10, 2 * MILLI, 1 << 20);
        stream.run(40 * MILLI);
        stream.measureFromHere();
        stream.run(20 * MILLI);
        assertThat(stream.utilisation()).isGreaterThan(0.8);
    }

    @Test
    void start_isNotALongQueue() {
        SimulatedStream stream = new SimulatedStream(1e8, 200 * MICRO, GRANTED);
        stream.run(1_000 * MILLI);
        assertThat(stream.longestQueueMicros()).isLessThan(3_000);
    }

    @Test
    void slowerLink_shrinksTheWindow_fasterOneWidensIt() {
        SimulatedStream stream = new SimulatedStream(1e10, 200 * MICRO, GRANTED);
        stream.run(100 * MILLI);
        int wide = stream.window().pages();
        stream.link(1e9, 200 * MICRO);
        stream.run(100 * MILLI);
        stream.measureFromHere();
        stream.run(100 * MILLI);
        assertThat(stream.longestQueueMicros()).isLessThan(1000);
        assertThat(stream.window().pages()).isLessThan(wide / 4);
        stream.link(1e10, 200 * MICRO);
        stream.run(100 * MILLI);
        stream.measureFromHere();
        stream.run(100 * MILLI);
        assertThat(stream.utilisation()).isGreaterThan(0.9);
    }

    @Test
    void linkThatHadStalled_isFullAgain() {
        SimulatedStream stream = new SimulatedStream(1e9, 600 * MICRO, GRANTED);
        stream.run(100 * MILLI);
        stream.link(2e6, 600 * MICRO);
        stream.run(3_000 * MILLI);
        assertThat(stream.window().pages()).isLessThanOrEqualTo(4 * StreamDepth.LEAST_PAGES);
        stream.link(1e9, 600 * MICRO);
        stream.run(200 * MILLI);
        stream.measureFromHere();
        stream.run(100 * MILLI);
        assertThat(stream.utilisation()).isGreaterThan(0.9);
    }

    @Test
    void longerRoundTrip_isFoundOut_andTheLinkIsFullAgain() {
        SimulatedStream stream = new SimulatedStream(1e9, 200 * MICRO, GRANTED);
        stream.run(100 * MILLI);
        stream.link(1e9, 5 * MILLI);
        stream.run(12_000 * MILLI);
        stream.measureFromHere();
        stream.run(4_000 * MILLI);
        assertThat(stream.utilisation()).isGreaterThan(0.9);
    }

    @Test
    void queueOfTheStreamItself_isNotTakenForTheRoundTrip_howeverLongItRuns() {
        SimulatedStream stream = new SimulatedStream(1e9, 200 * MICRO, GRANTED);
        stream.run(100 * MILLI);
        int early = stream.window().pages();
        stream.run(120_000 * MILLI);
        assertThat(stream.window().pages()).isBetween(early - 2, early + 2);
    }

    @Test
    void sourceThatIsSlowForAWhile_doesNotShrinkTheWindow() {
        SimulatedStream stream = new SimulatedStream(1e10, 200 * MICRO, GRANTED);
        stream.run(100 * MILLI);
        int before = stream.window().pages();
        stream.sourceMakes(10);
        stream.run(500 * MILLI);
        assertThat(stream.window().pages()).isGreaterThan(before * 3 / 4);
    }

    @Test
    void framesAreSmallOnASlowLink_largeOnAFastOne() {
        SimulatedStream slow = new SimulatedStream(1e8, 200 * MICRO, GRANTED);
        slow.run(100 * MILLI);
        assertThat(slow.window().framePages()).isEqualTo(1);
        SimulatedStream fast = new SimulatedStream(1e10, 200 * MICRO, GRANTED);
        fast.run(100 * MILLI);
        assertThat(fast.window().framePages()).isEqualTo(StreamDepth.MOST_PAGES_PER_FRAME);
    }

    @ParameterizedTest
    @CsvSource({"1", "2", "3", "16", "100"})
    void window_isNeverMoreThanGranted_andNeverStopsTheStream(int granted) {
        SimulatedStream stream = new SimulatedStream(1e11, 10 * MILLI, granted);
        long most = 0;
        for (int i = 0; i < 200; i++) {
            stream.run(MILLI);
            most = Math.max(most, stream.window().onTheirWay());
        }
        assertThat(most).isBetween(1L, (long) granted);
        stream.measureFromHere();
        stream.run(100 * MILLI);
        assertThat(stream.utilisation()).isPositive();
    }
}
