import sys

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.decorators import login_required
from django.core.management import execute_from_command_line
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import path
from jrs_session.django import destroy_all, require_recent_auth, sessions

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "users.sqlite"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "jrs_session.django"],
    JRS={"URL": "redis://127.0.0.1:6379"},
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    ROOT_URLCONF=__name__,
    SECRET_KEY="change me",
    SESSION_COOKIE_SECURE=True,
    SESSION_ENGINE="jrs_session.django",
)


def index(request):
    return JsonResponse({"user": request.user.username, "csrf": get_token(request)})


def log_in(request):
    user = authenticate(request, username=request.POST["user"], password=request.POST["password"])
    if user is None:
        return HttpResponse(status=401)
    login(request, user)
    request.session["device"] = request.headers["User-Agent"]
    return JsonResponse({"user": user.username})


def add_to_cart(request):
    request.session.setdefault("cart", []).append(request.POST["item"])
    return JsonResponse({"cart": request.session["cart"]})


@login_required
def devices(request):
    found = sessions(request, fields=["/device"])
    shown = [{"id": each.id, "device": each.fields.get("/device"), "current": each.current} for each in found]
    return JsonResponse(shown, safe=False)


@login_required
def log_out_device(request):
    for device in sessions(request, fields=["/device"]):
        if device.id == request.POST["id"]:
            device.destroy()
            return JsonResponse({})
    return HttpResponse(status=404)


def log_out(request):
    logout(request)
    return JsonResponse({})


@login_required
def log_out_everywhere(request):
    return JsonResponse({"sessions": destroy_all(request)})


@require_recent_auth(600)
def change_password(request):
    return JsonResponse({"sessions": destroy_all(request, keep_current=True)})


urlpatterns = [
    path("", index),
    path("login", log_in),
    path("cart", add_to_cart),
    path("devices", devices),
    path("devices/log-out", log_out_device),
    path("logout", log_out),
    path("logout-everywhere", log_out_everywhere),
    path("password", change_password),
]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
