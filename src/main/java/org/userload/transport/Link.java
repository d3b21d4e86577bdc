package org.userload.transport;

import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a link between two machines can do, for emulating it on sockets that are faster. Immutable.
 *
 * <p>Written as {@code RATE[/RTT]}: {@code 1gbit}, {@code 100mbit/200us}, {@code 25gbit/1ms}. Rates are in bits with
 * decimal units ({@code kbit}, {@code mbit}, {@code gbit}). Without a round trip it is one that is usual in a local
 * network: 500 us up to 100 Mbit/s, 200 us below 10 Gbit/s, 100 us below 25 Gbit/s, and 50 us from there on.
 *
 * @param bytesPerSecond rate of each direction, headers included; 1 Mbit/s to 1 Tbit/s
 * @param roundTrip time that an empty link takes there and back, apart from the rate; 0 to 1 s
 */
public record Link(long bytesPerSecond, Duration roundTrip) {
    /** Below this a page takes longer than a person would wait for it. */
    public static final long MIN_BYTES_PER_SECOND = 1_000_000 / 8;

    /** Above this no shaping in software follows. */
    public static final long MAX_BYTES_PER_SECOND = 1_000_000_000_000L / 8;

    /** Opening a session takes several round trips within seconds. */
    public static final Duration MAX_ROUND_TRIP = Duration.ofSeconds(1);

    private static final Pattern RATE = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,3})?)([kmgt]?)bit");
    private static final Pattern TIME = Pattern.compile("(\\d{1,9}(?:\\.\\d{1,3})?)(ns|us|ms|s)");
    private static final String FORM = "; write RATE[/RTT], for example 1gbit, 100mbit/200us or 25gbit/1ms";

    public Link {
        if (bytesPerSecond < MIN_BYTES_PER_SECOND || bytesPerSecond > MAX_BYTES_PER_SECOND) {
            throw new IllegalArgumentException(
                    "a link's rate is 1mbit to 1tbit, not " + bytesPerSecond * 8.0 + " bits per second");
        }
        if (roundTrip.isNegative() || roundTrip.compareTo(MAX_ROUND_TRIP) > 0) {
            throw new IllegalArgumentException("a link's round trip is 0 to 1s, not " + roundTrip);
        }
    }

    /**
     * Reads {@code RATE[/RTT]}.
     *
     * @throws IllegalArgumentException with a message that shows the right form
     */
    public static Link parse(String text) {
        String plain = text.trim().toLowerCase(Locale.ROOT);
        int slash = plain.indexOf('/');
        try {
            long rate = bytesPerSecond(slash < 0 ? plain : plain.substring(0, slash));
            return new Link(rate, slash < 0 ? usualRoundTrip(rate) : time(plain.substring(slash + 1)));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("'" + text + "' is not a link: " + e.getMessage() + FORM, e);
        }
    }

    /**
     * Reads a rate in bits, such as {@code 100mbit}, as bytes per second.
     *
     * @throws IllegalArgumentException when it is none
     */
    public static long bytesPerSecond(String text) {
        Matcher matcher = RATE.matcher(text.trim().toLowerCase(Locale.ROOT));
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "'" + text + "' is not a rate in bits with the unit kbit, mbit, gbit or tbit");
        }
        String unit = String.valueOf(matcher.group(2));
        double factor = unit.isEmpty() ? 1 : Math.pow(1000, 1 + "kmgt".indexOf(unit));
        return Math.round(Double.parseDouble(String.valueOf(matcher.group(1))) * factor / 8);
    }

    private static Duration time(String text) {
        Matcher matcher = TIME.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("'" + text + "' is not a time with the unit ns, us, ms or s");
        }
        double factor = switch (String.valueOf(matcher.group(2))) {
            case "ns" -> 1;
            case "us" -> 1e3;
            case "ms" -> 1e6;
            default -> 1e9;
        };
        return Duration.ofNanos(Math.round(Double.parseDouble(String.valueOf(matcher.group(1))) * factor));
    }

    private static Duration usualRoundTrip(long bytesPerSecond) {
        long bits = bytesPerSecond * 8;
        long micros = bits <= 100_000_000L ? 500 : bits < 10_000_000_000L ? 200 : bits < 25_000_000_000L ? 100 : 50;
        return Duration.ofNanos(micros * 1000);
    }

    /** In the form that {@link #parse} reads. */
    @Override
    public String toString() {
        return String.format(
                Locale.ROOT, "%smbit/%sus", plain(bytesPerSecond * 8 / 1e6), plain(roundTrip.toNanos() / 1e3));
    }

    private static String plain(double number) {
        return number == Math.rint(number) ? Long.toString((long) number) : String.format(Locale.ROOT, "%.3f", number);
    }
}
