-- A small shop: what the demo, the tests and the benchmarks ask access to.
--
-- Plain SQL in one piece, so that any client can send it. It makes neither the database nor the role that
-- owns it; run it in the database, acting as the owner:
--   psql -d orders -v ON_ERROR_STOP=1 -c 'SET ROLE orders_owner' -f samples/orders.sql
-- tests/TestKit/Postgres does the same without psql.

BEGIN;

CREATE TABLE public.customers (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name  text NOT NULL,
    email text NOT NULL UNIQUE
);

-- A sequence of its own beside the identity columns: order numbers are what people see on a receipt.
CREATE SEQUENCE public.order_number_seq START WITH 10001;

CREATE TABLE public.orders (
    id          bigint PRIMARY KEY DEFAULT nextval('public.order_number_seq'),
    customer_id bigint NOT NULL REFERENCES public.customers (id),
    status      text NOT NULL DEFAULT 'new'
                CHECK (status IN ('new', 'paid', 'shipped', 'delivered', 'cancelled')),
    total       numeric(10, 2) NOT NULL CHECK (total >= 0),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
ALTER SEQUENCE public.order_number_seq OWNED BY public.orders.id;
CREATE INDEX orders_customer_id ON public.orders (customer_id);

CREATE TABLE public.order_items (
    order_id   bigint NOT NULL REFERENCES public.orders (id) ON DELETE CASCADE,
    line       integer NOT NULL,
    product    text NOT NULL,
    quantity   integer NOT NULL CHECK (quantity > 0),
    unit_price numeric(10, 2) NOT NULL CHECK (unit_price >= 0),
    PRIMARY KEY (order_id, line)
);

-- Nothing in here is covered by any scope: whoever can read it has been given too much.
CREATE SCHEMA internal;
CREATE TABLE internal.payment_tokens (
    order_id bigint PRIMARY KEY REFERENCES public.orders (id) ON DELETE CASCADE,
    token    text NOT NULL
);

INSERT INTO public.customers (name, email)
SELECT first || ' ' || last, lower(first) || '.' || lower(last) || '@example.com'
FROM unnest(ARRAY['Ada', 'Bea', 'Carl', 'Dora', 'Emil', 'Frida', 'Gus', 'Hana']) AS first,
     unnest(ARRAY['Adler', 'Berg', 'Costa', 'Dahl', 'Eriksen']) AS last;

-- No random(): every run holds the same rows, so that a test can name one.
INSERT INTO public.orders (customer_id, status, total, updated_at)
SELECT 1 + n % 40,
       (ARRAY['new', 'paid', 'shipped', 'delivered', 'cancelled'])[1 + n % 5],
       0,
       timestamptz '2026-01-01 08:00:00+00' + n * interval '97 minutes'
FROM generate_series(0, 199) AS n;

INSERT INTO public.order_items (order_id, line, product, quantity, unit_price)
SELECT 10001 + n, line,
       (ARRAY['Kettle', 'Teapot', 'Cup', 'Saucer', 'Spoon', 'Tin', 'Cosy'])[1 + (n + line) % 7],
       1 + (n + line) % 3,
       (495 + 250 * ((n * 7 + line * 3) % 11)) / 100.0
FROM generate_series(0, 199) AS n, generate_series(1, 3) AS line
WHERE line <= 1 + n % 3;

UPDATE public.orders AS o
SET total = (SELECT sum(quantity * unit_price) FROM public.order_items WHERE order_id = o.id);

INSERT INTO internal.payment_tokens (order_id, token)
SELECT id, 'tok_' || md5(id::text) FROM public.orders WHERE status <> 'new';

CREATE VIEW public.open_orders AS
SELECT o.id, c.name AS customer, o.status, o.total, o.updated_at
FROM public.orders AS o
JOIN public.customers AS c ON c.id = o.customer_id
WHERE o.status IN ('new', 'paid');

COMMIT;
